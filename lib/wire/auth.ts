/**
 * Credentials as clients send them, and what happens when they are wrong.
 *
 * gRPC carries `authorization` = base64 of `user:password` or of a token, without a scheme word; REST carries `Bearer
 * user:password`, a bare token, or HTTP Basic. With authentication off nothing is looked at. Failures are gRPC
 * UNAUTHENTICATED (clients do not retry it) and HTTP 401.
 */

/** Who a caller claims to be. A token without a colon has no user. */
export interface Credentials {
  readonly user: string
  readonly password: string
}

/** Checks credentials; false when they are wrong. */
export type Authenticate = (credentials: Credentials) => boolean | Promise<boolean>

/** Texts clients match. */
export const AUTH_TEXTS = {
  missing: 'missing authorization in header',
  badToken: 'invalid token format',
  badKey: 'auth check failure, please check api key is correct',
  badPassword: 'auth check failure, please check username and password are correct',
} as const

/** The caller was not recognised. */
export class AuthError extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'AuthError'
  }
}

/** The caller was recognised, and may not do this. */
export class PermissionError extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'PermissionError'
  }
}

/** Splits `user:password`; a text without a colon is an API key. */
export function splitToken(token: string): Credentials {
  const colon = token.indexOf(':')
  return colon < 0
    ? { user: '', password: token }
    : { user: token.slice(0, colon), password: token.slice(colon + 1) }
}

/** Credentials of a gRPC `authorization` value. @throws AuthError */
export function grpcCredentials(header: string | undefined): Credentials {
  if (header === undefined || header === '') throw new AuthError(AUTH_TEXTS.missing)
  const token = fromBase64(header)
  if (token === null) throw new AuthError(AUTH_TEXTS.badToken)
  return splitToken(token)
}

/** Credentials of an HTTP `Authorization` header; null when there are none. */
export function restCredentials(header: string | undefined): Credentials | null {
  if (header === undefined || header === '') return null
  const basic = /^basic\s+(.+)$/i.exec(header)
  if (basic !== null) {
    const token = fromBase64(basic[1]!)
    return token === null ? null : splitToken(token)
  }
  return splitToken(header.replace(/^bearer\s+/i, ''))
}

/** @throws AuthError when `authenticate` says no; MilvusError TooManyRequests when too many wait to be checked */
export async function checkCredentials(
  authenticate: Authenticate,
  credentials: Credentials,
): Promise<string> {
  if (await authenticate(credentials)) return credentials.user
  throw new AuthError(credentials.user === '' ? AUTH_TEXTS.badKey : AUTH_TEXTS.badPassword)
}

/** Base64 text, or null when it is none. */
export function fromBase64(text: string): string | null {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) return null
  return Buffer.from(text, 'base64').toString('utf8')
}
