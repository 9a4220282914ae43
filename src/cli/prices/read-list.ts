import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { z } from 'zod'
import { BursarError, messageOf } from '../../errors.ts'
import { fetchList } from '../../pricing/fetch-list.ts'
import { isOwnList } from '../../pricing/own-list.ts'
import { readCatalogue } from '../../pricing/snapshot.ts'

const AnyJson = z.json()

/** What is sent: without the prose that makes most of a list. */
const stripped = (json: unknown) => AnyJson.parse(isOwnList(json) ? json : readCatalogue(json))

/** @throws {BursarError} INVALID_FILE. */
export async function readPriceFile(path: string) {
  try {
    return { list: stripped(JSON.parse(await readFile(path, 'utf8'))), source: basename(path) }
  } catch (cause) {
    if (cause instanceof BursarError) throw cause
    throw new BursarError('INVALID_FILE', `${path} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

/** @throws {BursarError} FETCH_FAILED, INVALID_FILE. */
export const fetchPriceList = async (url: string) => ({
  list: stripped(await fetchList(url)),
  source: url.slice(0, 300),
})
