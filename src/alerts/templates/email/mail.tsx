import {
  Body,
  Container,
  Head,
  Heading,
  Html,
  Link,
  Preview,
  Section,
  Text,
} from '@react-email/components'
import type { Note, Story } from '../story.ts'
import { BUTTON_COLOUR, DARK_STYLE, INK, STYLE, TONE_COLOUR } from '../theme.ts'
import { BarList, FigureGrid, MeterBar } from './figures.tsx'
import { Picture } from './picture.tsx'

/** One message as a page: what happened, what to do, the numbers, the picture, and who drives it. */
export function Mail({ story }: { readonly story: Story }) {
  const { badge, tone, title, lead, figures, meter, chart, bars, notes, buttons, footer } = story
  const colour = TONE_COLOUR[tone]
  return (
    <Html lang="en" dir="ltr">
      <Head>
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <title>{title}</title>
        <style>{DARK_STYLE}</style>
      </Head>
      <Preview>{lead}</Preview>
      <Body className="page" style={{ margin: 0, padding: 0 }}>
        <Section className="page" style={{ backgroundColor: INK.page, padding: '24px 8px' }}>
          <Container className="card" style={{ ...CARD, borderTop: `6px solid ${colour}` }}>
            <Section className="pad" style={{ padding: '22px 32px 26px' }}>
              <Text className="soft" style={STYLE.brand}>
                <span style={{ ...BADGE, backgroundColor: colour }}>{badge}</span> Bursar
              </Text>
              <Heading as="h1" className="text" style={{ ...STYLE.title, paddingTop: 12 }}>
                {title}
              </Heading>
              <Text className="text" style={{ ...STYLE.lead, paddingTop: 8 }}>
                {lead}
              </Text>
              {meter && <MeterBar meter={meter} tone={tone} />}
              <Buttons buttons={buttons} />
              <FigureGrid figures={figures} />
              {chart && <Picture chart={chart} />}
              {bars.map((one) => (
                <BarList key={one.title} bars={one} tone={tone} />
              ))}
              {notes.map((note) => (
                <Paragraph key={note.title} note={note} />
              ))}
              <Section className="line" style={FOOT}>
                <Text className="soft" style={STYLE.small}>
                  {footer}
                </Text>
              </Section>
            </Section>
          </Container>
        </Section>
      </Body>
    </Html>
  )
}

const CARD = {
  ...{ maxWidth: 600, width: '100%', margin: '0 auto' },
  ...{ backgroundColor: INK.card, border: `1px solid ${INK.line}`, borderRadius: 8 },
} as const
const BADGE = {
  ...{ color: '#ffffff', borderRadius: 4, padding: '3px 8px', marginRight: 6 },
  ...{ fontSize: 11, letterSpacing: '0.06em' },
} as const
const FOOT = { borderTop: `1px solid ${INK.line}`, marginTop: 28, paddingTop: 14 } as const

const Paragraph = ({ note: { title, text } }: { readonly note: Note }) => (
  <Section style={{ paddingTop: 20 }}>
    <Text className="soft" style={STYLE.head}>
      {title}
    </Text>
    <Text className="text" style={{ ...STYLE.name, paddingTop: 2 }}>
      {text}
    </Text>
  </Section>
)

/** The first is what most readers came for. */
function Buttons({ buttons }: Pick<Story, 'buttons'>) {
  if (buttons.length === 0) return null
  return (
    <Section style={{ paddingTop: 18 }}>
      {buttons.map(({ kind, label, href }, at) => (
        <Link
          key={kind}
          href={href}
          className={at === 0 ? 'first' : 'quiet'}
          style={at === 0 ? FIRST : QUIET}
        >
          {label}
        </Link>
      ))}
    </Section>
  )
}

const BUTTON = {
  ...{ ...STYLE.name, display: 'inline-block', fontWeight: 600, textDecoration: 'none' },
  ...{ borderRadius: 6, padding: '9px 16px', margin: '0 8px 8px 0' },
} as const
const FIRST = {
  ...{ ...BUTTON, color: '#ffffff', backgroundColor: BUTTON_COLOUR },
  border: `1px solid ${BUTTON_COLOUR}`,
} as const
const QUIET = { ...BUTTON, color: INK.text, border: `1px solid ${INK.soft}` } as const
