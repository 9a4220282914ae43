import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FolderLock, lockFolder } from '../../src/embedded/folder-lock.ts'
import { isBursarError } from '../../src/errors.ts'

/** Takes a folder when told to. `forget` makes its lock look like that of a dead process. Run by the tests. */
const folder = String(process.env.FOLDER)
let lock: FolderLock | null = null

process.on('message', (word) => {
  if (word === 'go') process.send?.(take())
  if (word === 'forget') {
    forget()
    process.send?.('forgotten')
  }
})
process.send?.('ready')

function take(): string {
  try {
    lock = lockFolder(folder)
    return 'held'
  } catch (error) {
    return isBursarError(error) ? error.code : String(error)
  }
}

function forget(): void {
  if (!lock) return
  const [name = ''] = readdirSync(folder).filter((one) => one.startsWith('lock.'))
  const file = join(folder, name)
  const text = readFileSync(file, 'utf8')
  lock.release()
  lock = null
  writeFileSync(
    file,
    JSON.stringify({ ...JSON.parse(text), started: 'before the machine started' }),
  )
}
