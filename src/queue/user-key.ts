/** Names a user of a tenant in one word. */
export const userKey = (tenant: string, user: string): string => JSON.stringify([tenant, user])
