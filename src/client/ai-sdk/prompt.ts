import {
  type LanguageModelV3FilePart,
  type LanguageModelV3Prompt,
  type LanguageModelV3ToolResultOutput,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider'
import type { ChatRequest } from '../types.ts'

type Message = ChatRequest['messages'][number]
type AssistantPart = Extract<
  LanguageModelV3Prompt[number],
  { role: 'assistant' }
>['content'][number]
type UserPart = Extract<LanguageModelV3Prompt[number], { role: 'user' }>['content'][number]

/** Writes a prompt as messages of a chat. @throws {UnsupportedFunctionalityError} for files that no chat knows. */
export const messagesOf = (prompt: LanguageModelV3Prompt): Message[] => prompt.flatMap(toMessages)

function toMessages(message: LanguageModelV3Prompt[number]): Message[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: message.content }]
    case 'user':
      return [{ role: 'user', content: userContent(message.content) }]
    case 'assistant':
      return [assistantMessage(message.content)]
    case 'tool':
      return message.content.flatMap((part): Message[] =>
        part.type === 'tool-result'
          ? [{ role: 'tool', tool_call_id: part.toolCallId, content: resultText(part.output) }]
          : [],
      )
  }
}

function userContent(parts: readonly UserPart[]): Extract<Message, { role: 'user' }>['content'] {
  const [only] = parts
  if (parts.length === 1 && only?.type === 'text') return only.text
  return parts.map((part) =>
    part.type === 'text' ? { type: 'text', text: part.text } : fileContent(part),
  )
}

function fileContent({ mediaType, data, filename = 'file' }: LanguageModelV3FilePart) {
  const isUrl = data instanceof URL
  const base64 = () =>
    typeof data === 'string' ? data : Buffer.from(bytesOf(data)).toString('base64')
  const dataUrl = (type: string) => `data:${type};base64,${base64()}`
  if (mediaType.startsWith('image/')) {
    const type = mediaType === 'image/*' ? 'image/jpeg' : mediaType
    return { type: 'image_url' as const, image_url: { url: isUrl ? data.href : dataUrl(type) } }
  }
  if (!isUrl && /^audio\/(wav|mpeg|mp3)$/.test(mediaType)) {
    const format = mediaType === 'audio/wav' ? ('wav' as const) : ('mp3' as const)
    return { type: 'input_audio' as const, input_audio: { data: base64(), format } }
  }
  if (!isUrl && mediaType === 'application/pdf') {
    return { type: 'file' as const, file: { filename, file_data: dataUrl(mediaType) } }
  }
  throw new UnsupportedFunctionalityError({ functionality: `files of the type ${mediaType}` })
}

const bytesOf = (data: LanguageModelV3FilePart['data']): Uint8Array =>
  data instanceof Uint8Array ? data : new Uint8Array()

/** Reasoning is not sent again: chats do not take it. */
function assistantMessage(parts: readonly AssistantPart[]): Message {
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
  const calls = parts.flatMap((part) =>
    part.type === 'tool-call'
      ? [
          {
            id: part.toolCallId,
            type: 'function' as const,
            function: { name: part.toolName, arguments: JSON.stringify(part.input) },
          },
        ]
      : [],
  )
  if (calls.length === 0) return { role: 'assistant', content: text }
  return { role: 'assistant', content: text === '' ? null : text, tool_calls: calls }
}

function resultText(output: LanguageModelV3ToolResultOutput): string {
  if (output.type === 'text' || output.type === 'error-text') return output.value
  if (output.type === 'execution-denied') return output.reason ?? 'the call was denied'
  return JSON.stringify(output.value)
}
