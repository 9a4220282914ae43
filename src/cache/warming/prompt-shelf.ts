/**
 * Prompts beside the answers that they got, so that they can be asked again. As many are kept as one tenant may have;
 * those that were asked longest ago go first.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export interface PromptShelf {
  /** @param wall - the tenant's, or the one that all share. @param text - as the policy wants it kept. */
  keep(key: string, wall: string, text: string): Promise<void>
  /** In the order asked; null = it is gone. */
  find(keys: readonly string[]): Promise<readonly (string | null)[]>
}

/** Of one tenant. */
export const MOST_PROMPTS = 1_000
export const PROMPT_TTL_MS = 7 * 86_400_000
