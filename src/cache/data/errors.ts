import { BursarError } from '../../errors.ts'

export const noNumber = (key: string): BursarError =>
  new BursarError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(key)} holds no whole number: delete it before it is counted with`,
  )
