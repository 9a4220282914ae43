import { expect, test } from 'vitest'
import { ROLE_NAMES } from '../../src/cli/start.ts'
import { ROLES } from '../../workers/main.ts'

test('the command line offers exactly the roles that the workers have', () => {
  expect(ROLE_NAMES).toEqual(ROLES)
})
