import { relative } from 'node:path'
import type { Output } from '../output.ts'
import { firstRequest } from '../start.ts'
import { billOf, dataOf } from './run.ts'

type Step = readonly [command: string, what: string]

/** Leads a command of another terminal, in this same folder, to the demo's data. */
const inDemo = (folder: string, words: string): string =>
  `BURSAR_DATA=${pathFromHere(dataOf(folder))} npx bursar ${words}`

const pathFromHere = (path: string): string => relative('.', path) || '.'

/** What a newcomer may want to do now. */
export function showNext(output: Output, folder: string): void {
  showSteps(output, 'Next', [
    [inDemo(folder, 'report --by user'), 'who spent it; parked and verify work as well'],
    ['npm run demo -- --keep', 'the same, and it stays: ask it yourself'],
    ['npm start', 'the service; bursar.yaml has its tiers, budgets and models'],
  ])
}

/** What can be asked of a demo that stays. @param url - where its gateway listens. */
export function showKept(output: Output, folder: string, url: string): void {
  showSteps(output, `It stays, on ${url}, until Ctrl-C. In another terminal:`, [
    [inDemo(folder, 'report --by user'), 'who spent what'],
    [inDemo(folder, 'parked'), 'who waits, for which budget, until when'],
    [
      inDemo(folder, `verify --bill ${pathFromHere(billOf(folder))}`),
      "every call beside the provider's bill",
    ],
    [firstRequest(url), 'one more request'],
  ])
}

function showSteps({ line, paint }: Output, title: string, steps: readonly Step[]): void {
  line()
  line(paint('bold', title))
  for (const [command, what] of steps) {
    line(`  ${paint('cyan', command)}`)
    line(`    ${paint('dim', what)}`)
  }
}
