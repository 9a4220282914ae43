import { join } from 'node:path'

/** Where journals of calls are kept, a folder for each process. @param data - BURSAR_DATA. */
export const callsRoot = (data: string): string => join(data, 'calls')
