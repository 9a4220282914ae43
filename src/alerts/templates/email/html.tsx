import { render } from '@react-email/render'
import type { Story } from '../story.ts'
import { Mail } from './mail.tsx'

/** A story as a whole HTML document, with its styles inline. */
export const mailHtml = (story: Story): Promise<string> => render(<Mail story={story} />)
