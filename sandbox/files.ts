import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError, readBody, sendJson } from './http.ts'
import type { State } from './state.ts'

export interface StoredFile {
  readonly id: string
  readonly filename: string
  readonly purpose: string
  readonly content: string
  /** Unix seconds. */
  readonly createdAt: number
}

/** Files of this run, oldest first. */
export type Files = Map<string, StoredFile>

/** @throws {ApiError} 404 in OpenAI's words. */
export function fileOf(files: Files, id: string): StoredFile {
  const file = files.get(id)
  if (!file) throw new ApiError(404, `No such File object: ${id}`, { param: 'id' })
  return file
}

/** Keeps a text as a file. */
export function addFile(
  state: State,
  files: Files,
  given: Pick<StoredFile, 'filename' | 'purpose' | 'content'>,
): StoredFile {
  const createdAt = Math.floor(state.now() / 1000)
  const file = { id: `file-${state.serial()}`, createdAt, ...given }
  files.set(file.id, file)
  return file
}

const fileJson = (file: StoredFile) => ({
  id: file.id,
  object: 'file',
  bytes: Buffer.byteLength(file.content),
  created_at: file.createdAt,
  filename: file.filename,
  purpose: file.purpose,
  status: 'processed',
  expires_at: null,
  status_details: null,
})

/** POST /v1/files, multipart. */
export async function uploadFile(
  state: State,
  files: Files,
  req: IncomingMessage,
  res: ServerResponse,
) {
  const body = await readBody(req)
  const headers = { 'content-type': req.headers['content-type'] ?? '' }
  const form = await new Response(new Uint8Array(body), { headers }).formData().catch(() => null)
  const file = form?.get('file')
  const purpose = form?.get('purpose')
  if (!(file instanceof Blob) || typeof purpose !== 'string')
    throw new ApiError(400, "Send multipart/form-data with the fields 'file' and 'purpose'.")
  const filename = 'name' in file && typeof file.name === 'string' ? file.name : 'upload'
  const stored = addFile(state, files, { filename, purpose, content: await file.text() })
  sendJson(res, 200, fileJson(stored))
}

/** GET /v1/files */
export function listFiles(files: Files, query: URLSearchParams, res: ServerResponse): void {
  const purpose = query.get('purpose')
  const all = [...files.values()].filter((file) => purpose === null || file.purpose === purpose)
  sendJson(res, 200, { object: 'list', data: all.map(fileJson), has_more: false })
}

/** GET /v1/files/:id and /v1/files/:id/content, DELETE /v1/files/:id */
export function serveFile(
  files: Files,
  method: string,
  id: string,
  part: string,
  res: ServerResponse,
) {
  const file = fileOf(files, id)
  if (method === 'DELETE') {
    files.delete(id)
    return sendJson(res, 200, { id, object: 'file', deleted: true })
  }
  if (part !== 'content') return sendJson(res, 200, fileJson(file))
  res.writeHead(200, { 'content-type': 'application/octet-stream' })
  res.end(file.content)
}
