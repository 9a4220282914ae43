import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** One Lua file with its includes, ready for EVALSHA. */
export interface Script {
  readonly name: string
  readonly text: string
  readonly sha: string
  /** The same as a function of Redis; absent = it is rare, and runs as a script alone. */
  readonly asFunction?: ScriptFunction
}

/** A library of one function, ready for FUNCTION LOAD. */
export interface ScriptFunction {
  /** Of both; it changes with every letter, so that versions stand side by side. */
  readonly name: string
  readonly library: string
}

const INCLUDE = /^--- include (\S+)$/gm
/** Last line of a script that is one function: everything above it may be kept from call to call. */
const RUN = /^return run\(KEYS, ARGV\)\n$/m
const NAME_DIGITS = 12

/**
 * Reads a script once. A line `--- include lib/x.lua` is replaced by that file, relative to the script.
 * @throws the file system's error when a file is missing: a broken build.
 */
export function loadScript(url: URL): Script {
  const read = (from: URL): string =>
    readFileSync(from, 'utf8').replace(INCLUDE, (_, path: string) => read(new URL(path, from)))
  const text = read(url)
  const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
  const sha = createHash('sha1').update(text).digest('hex')
  const script = { name, text, sha }
  return RUN.test(text) ? { ...script, asFunction: functionOf(script) } : script
}

function functionOf({ name: file, text, sha }: Script): ScriptFunction {
  const word = file.replace(/\.lua$/, '').replace(/\W/g, '_')
  const name = `bursar_${word}_${sha.slice(0, NAME_DIGITS)}`
  const library = `#!lua name=${name}\n${text.replace(RUN, `redis.register_function('${name}', run)\n`)}`
  return { name, library }
}
