/**
 * The seam between protocol and engine: one function per served method, from decoded request to the answer to encode.
 *
 * Both doors use it. gRPC decodes a message and calls; REST builds the same request out of a JSON body. Only entities
 * meet one step lower, in engine-calls/row-calls.ts: REST has rows where gRPC has columns. An error is thrown, never
 * returned; each door says it in its own way (status.ts).
 */
import type { METHODS, MethodName } from './descriptors.js'
import type { Decoded, Init } from './message.js'

/** Who asks, and about which database. */
export interface CallContext {
  /** Database named by the connection; a request that names one itself wins. Never empty. */
  readonly database: string
  /** User name when authentication is on and passed, else empty. */
  readonly user: string
  /** Which databases and collections to list; absent: all. */
  readonly sees?: ((database: string, collection?: string) => boolean) | undefined
}

export type Request<N extends MethodName> = Decoded<(typeof METHODS)[N]['request']>
export type Answer<N extends MethodName> = Init<(typeof METHODS)[N]['response']>

/** One method: an answer to encode, or its finished bytes. */
export type Call<N extends MethodName> = (
  request: Request<N>,
  context: CallContext,
) => Promise<Answer<N> | Buffer>

/** All served methods. */
export type Calls = { readonly [N in MethodName]: Call<N> }

export const DEFAULT_DATABASE = 'default'

/** The database a request is about. */
export function databaseOf(requested: string, context: CallContext): string {
  return requested === '' ? context.database : requested
}
