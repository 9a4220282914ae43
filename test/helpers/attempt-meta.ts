/** What an attempt says of itself, as JSON, where a test is not about it. */
export const attemptMeta = (differing: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    tenant: 'acme',
    user: 'u1',
    tier: 'basic',
    tags: {},
    operation: 'chat.completions',
    urgency: 'interactive',
    modelRequested: 'auto',
    enqueuedAtMs: 1,
    rungs: [{ model: 'big', provider: 'openai' }],
    inputTokensHeld: 0,
    priceVersion: 'p1',
    policyVersion: 1,
    ...differing,
  })
