import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'

/** The version of this Bursar. package.json stands two folders above this file in the sources and three in `dist/`. */
export function readVersion(): string {
  const found = ['../../package.json', '../../../package.json']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url))
  if (!found) return '0.0.0'
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(found, 'utf8'))).version
}
