/** The same words as Redis's patterns (`*`, `?`, `[abc]`, `[^a]`, `\`), as an expression over the whole text. */
export function matcher(pattern: string): RegExp {
  const parts = pattern.match(/\\.|\[(?:\\.|[^\]])+\]|[\s\S]/g) ?? []
  const source = parts.map((part) => {
    if (part === '*') return '[\\s\\S]*'
    if (part === '?') return '[\\s\\S]'
    if (part.startsWith('[') && part.length > 1) return part
    return (part.startsWith('\\') ? part.slice(1) : part).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  })
  return new RegExp(`^${source.join('')}$`)
}
