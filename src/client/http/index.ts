export { BursarError, type ErrorCode, type ErrorDetail } from '../../errors.ts'
export type { Client } from '../client-type.ts'
export { createHttpClient, type HttpClientOptions } from './client.ts'
