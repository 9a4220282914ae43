import { dirname, relative, resolve } from 'node:path'
import type { Rolldown } from 'tsdown'

// In one piece, whatever loads this file would take it for its own.
const ADDRESS = ['import', 'meta', 'url'].join('.')
const MARK = 'where_a_source_stands:'
const MARKED = new RegExp(`"${MARK}([^"]+)"`, 'g')
const OTHERS = /\bimport\.meta\.(dirname|filename)\b/
const ROOT = resolve(import.meta.dirname, '..')

/**
 * Gives each module the address it would have in a tree like that of the sources, whichever chunk it ends up in:
 * `new URL('./admit.lua', import.meta.url)` and the path of the program mean the same as there.
 */
export const whereSourcesStand = (): Rolldown.Plugin => ({
  name: 'where-sources-stand',
  transform(code, id) {
    if (!id.startsWith(ROOT)) return null
    if (OTHERS.test(code)) this.error(`${id} asks for its folder or file name: ask for its address`)
    if (!code.includes(ADDRESS)) return null
    const path = relative(ROOT, id).replace(/\.tsx?$/, '.js')
    return { code: code.replaceAll(ADDRESS, JSON.stringify(`${MARK}${path}`)) }
  },
  renderChunk(code, { fileName }) {
    if (!code.includes(MARK)) return null
    const addressed = code.replace(MARKED, (_, path: string) => {
      const away = relative(dirname(fileName), path)
      return `new URL(${JSON.stringify(away)}, ${ADDRESS}).href`
    })
    return { code: addressed }
  },
})
