import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** One Lua file with its includes, ready for EVALSHA. */
export interface Script {
  readonly name: string
  readonly text: string
  readonly sha: string
}

const INCLUDE = /^--- include (\S+)$/gm

/**
 * Reads a script once. A line `--- include lib/x.lua` is replaced by that file, relative to the script.
 * @throws the file system's error when a file is missing: a broken build.
 */
export function loadScript(url: URL): Script {
  const read = (from: URL): string =>
    readFileSync(from, 'utf8').replace(INCLUDE, (_, path: string) => read(new URL(path, from)))
  const text = read(url)
  const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
  return { name, text, sha: createHash('sha1').update(text).digest('hex') }
}
