import { defineConfig } from 'tsdown'
import { common, copied, rooms } from './tsdown.config.ts'

/** What the benches run: compiled as it is published, not as a loader for development sees it. */
export default defineConfig({
  ...common,
  entry: [...rooms, 'bench', 'test/helpers'].map((room) => `${room}/**/*.ts`),
  root: '.',
  outDir: '.bench',
  unbundle: true,
  sourcemap: true,
  dts: false,
  treeshake: false,
  clean: true,
  copy: [...copied('.bench'), { from: 'bench/*.lua', to: '.bench/bench', flatten: true }],
})
