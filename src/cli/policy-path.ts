import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Environment, Options } from '../config/options.ts'

/** The policy that came with the package: three folders above this file in `dist/`, two in the sources. */
const SHIPPED = ['../../bursar.yaml', '../../../bursar.yaml'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

/**
 * Where the policy is. The first five minutes need no file: embedded, in a folder without one and when nobody named
 * one, it is the policy that came with the package.
 */
export function policyPath(options: Options, env: Environment): string {
  const { BURSAR_POLICY: path, REDIS_URL, DATABASE_URL } = options
  if (env.BURSAR_POLICY || REDIS_URL || DATABASE_URL || existsSync(path)) return path
  return SHIPPED.find((file) => existsSync(file)) ?? path
}
