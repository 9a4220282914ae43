import { defineConfig } from 'drizzle-kit'

/** `npx drizzle-kit generate` writes the next migration from the schema; existing ones are never edited. */
export default defineConfig({
  dialect: 'postgresql',
  schema: './src/ledger/schema.ts',
  out: './src/ledger/migrations',
})
