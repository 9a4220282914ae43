import { z } from 'zod'
import type { RebuildCommand, RebuildReply, RebuiltWindow } from '../rebuild-command.ts'
import { begin, callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { loadScript } from './load-script.ts'
import { Writer } from './writer.ts'

const script = loadScript(new URL('./rebuild.lua', import.meta.url))

const int = z.int()
const Reply = z.union([z.tuple([z.literal('retry')]), z.tuple([z.literal('rebuilt')], z.int())])
/** place, spent and held before, spent and held after */
const Window = z.tuple([int, int, int, int, int])
const FIELDS = 5

/** Makes counters again from the ledger, in the ledger's epoch. */
export async function rebuild(caller: SlotCaller, command: RebuildCommand): Promise<RebuildReply> {
  const { epoch, watermark, sums, apply } = command
  const theirs = { ...caller, epoch: () => epoch }
  const windows = sums.map(({ key, spentNano }) => new Writer().text(key).nano(spentNano).done())
  const words = begin(theirs).text(watermark).flag(apply)
  const raw = await callScript(theirs, script, words, windows)
  const closed = readUnavailable(raw)
  if (closed) return closed
  const [outcome, ...flat] = readReply(script, Reply, raw)
  if (outcome === 'retry') return { outcome }
  const rebuilt: RebuiltWindow[] = []
  for (let at = 0; at < flat.length; at += FIELDS) {
    const [place, ...counted] = readReply(script, Window, flat.slice(at, at + FIELDS))
    const key = sums[place]?.key ?? ''
    const [spentBefore, heldBefore, spentNano, heldNano] = counted
    const before = { spentNano: spentBefore, heldNano: heldBefore }
    rebuilt.push({ key, before, after: { spentNano, heldNano } })
  }
  return { outcome, windows: rebuilt }
}
