import { TONE_COLOUR } from '../templates/theme.ts'

const tones = Object.entries(TONE_COLOUR)
  .map(([tone, colour]) => `.tone-${tone} { --tone: ${colour}; }`)
  .join('\n')

/** One sheet for all pages; its hash is what the browser allows. */
export const PAGE_STYLE = `
:root { color-scheme: light dark;
  --page: #f2f4f7; --card: #fff; --text: #1a1f29; --soft: #5a6473; --line: #d9dee6; --track: #e6eaf0; --button: #1f5fa8; }
@media (prefers-color-scheme: dark) { :root {
  --page: #0e1116; --card: #191d24; --text: #eceff4; --soft: #a3adbb; --line: #3a424e; --track: #2b313b; --button: #2f74c0; } }
${tones}
* { box-sizing: border-box; }
body { margin: 0; padding: 24px 12px; background: var(--page); color: var(--text);
  font: 15px/1.5 -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 560px; margin: 0 auto; padding: 22px 30px 26px; background: var(--card);
  border: 1px solid var(--line); border-top: 6px solid var(--tone); border-radius: 8px; overflow-wrap: anywhere; }
h1 { font-size: 22px; line-height: 1.3; margin: 12px 0 6px; }
h2 { font-size: 12px; margin: 0 0 2px; color: var(--soft); letter-spacing: .04em; text-transform: uppercase; }
p { margin: 0; } section { margin-top: 18px; }
.brand { color: var(--soft); font-size: 13px; font-weight: 600; }
.badge { background: var(--tone); color: #fff; border-radius: 4px; padding: 3px 8px; margin-right: 6px;
  font-size: 11px; letter-spacing: .06em; }
svg { display: block; width: 100%; height: 10px; margin-top: 16px; border-radius: 4px; }
.track { fill: var(--track); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 12px; margin: 18px 0 0; }
dt { color: var(--soft); font-size: 13px; } dd { margin: 0; font-weight: 600; }
form { margin-top: 22px; padding-top: 18px; border-top: 1px solid var(--line); }
.field { margin-bottom: 16px; }
label { display: block; font-weight: 600; margin-bottom: 4px; }
input[type=text], select { width: 100%; padding: 9px 11px; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--soft); border-radius: 6px; }
.hint { color: var(--soft); font-size: 13px; margin-top: 4px; }
button { font: inherit; font-weight: 600; color: #fff; background: var(--button); border: 0; border-radius: 6px;
  padding: 10px 18px; cursor: pointer; }
button:focus-visible, input:focus-visible, select:focus-visible { outline: 3px solid var(--button); outline-offset: 2px; }
footer { margin-top: 26px; padding-top: 14px; border-top: 1px solid var(--line); color: var(--soft); font-size: 12px; }
`
