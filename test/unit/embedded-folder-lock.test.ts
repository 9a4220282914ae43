import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockFolder } from '../../src/embedded/folder-lock.ts'
import { childEnv } from '../helpers/child-env.ts'
import { compiled } from '../helpers/compiled.ts'

const CHILD = await compiled(new URL('./embedded-lock-child.ts', import.meta.url))

let folder: string
const children: ChildProcess[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-lock-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

/** A process that tries to take the folder once told to, and says `held` or the code of its error. */
function startChild() {
  const child = spawn(process.execPath, [CHILD], {
    env: { ...childEnv(), FOLDER: folder },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  children.push(child)
  return child
}

async function tryIn(child: ChildProcess): Promise<string> {
  const said = once(child, 'message')
  child.send('go')
  const [word] = await said
  return String(word)
}

const locks = async () => (await readdir(folder)).sort()
const code = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test('a second opening is refused, with who holds it since when', async () => {
  const lock = lockFolder(folder)
  const error = code(() => lockFolder(folder))
  expect(error).toMatchObject({
    code: 'DATA_FOLDER_IN_USE',
    detail: { folder, pid: process.pid, host: hostname() },
  })
  expect(String(error)).toContain(`process ${process.pid}`)
  expect(
    Date.parse(Reflect.get(Reflect.get(Object(error), 'detail'), 'since')),
  ).toBeLessThanOrEqual(Date.now())
  lock.release()
  lock.release()
  lockFolder(folder).release()
})

test('of many processes at once exactly one takes over from a dead one, again and again', async () => {
  const rivals = Array.from({ length: 4 }, startChild)
  await Promise.all(rivals.map((child) => once(child, 'message')))
  for (let round = 0; round < 10; round += 1) {
    const said = await Promise.all(rivals.map(tryIn))
    expect(said.sort()).toEqual([...Array(3).fill('DATA_FOLDER_IN_USE'), 'held'])
    // What is found next is the lock of a process that is gone: the children forget theirs without releasing it.
    await Promise.all(
      rivals.map(async (child) => {
        const forgotten = once(child, 'message')
        child.send('forget')
        await forgotten
      }),
    )
  }
  expect(await locks()).toHaveLength(1)
}, 60_000)

test('kill -9 and exit both free the folder', async () => {
  const killed = startChild()
  await once(killed, 'message')
  expect(await tryIn(killed)).toBe('held')
  expect(code(() => lockFolder(folder))).toMatchObject({ detail: { pid: killed.pid } })
  const died = once(killed, 'exit')
  killed.kill('SIGKILL')
  await died
  const lock = lockFolder(folder)
  expect(await locks()).toEqual(['lock.2'])
  lock.release()
  expect(await readFile(lock.file, 'utf8')).toBe('')
})

test('a number that was given to another process since frees the folder, another host does not', async () => {
  const holder = {
    since: new Date().toISOString(),
    token: 't',
    host: hostname(),
    started: 'before',
  }
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  await writeFile(join(folder, 'lock.7'), JSON.stringify({ ...holder, pid: process.ppid }))
  lockFolder(folder).release()
  await writeFile(join(folder, 'lock.9'), JSON.stringify({ ...holder, pid, host: 'elsewhere' }))
  expect(code(() => lockFolder(folder))).toMatchObject({ detail: { host: 'elsewhere' } })
})

test('a lock of this very number, written before a restart, is nobody', async () => {
  const holder = { since: new Date().toISOString(), token: 't', host: hostname(), started: null }
  await writeFile(join(folder, 'lock.1'), JSON.stringify({ ...holder, pid: process.pid }))
  expect(lockFolder(folder).release()).toBeUndefined()
})

test('a file that cannot be read is left to a person', async () => {
  await writeFile(join(folder, 'lock.1'), '{"v":2}')
  expect(code(() => lockFolder(folder))).toMatchObject({ code: 'DATA_FOLDER_IN_USE' })
})
