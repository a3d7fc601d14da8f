/** Int64 values on their way out, in the form that option `int64As` asks for. */
import type { PkKey } from '../segment/segment.js'

export type Int64Value = number | bigint

/** Keys as the caller wants them: 'auto' leaves them (number when safe, else bigint). */
export function int64Out(
  ids: readonly PkKey[],
  as: 'auto' | 'number' | 'bigint' | 'string',
): readonly (Int64Value | string)[] {
  if (as === 'auto' || ids.length === 0 || typeof ids[0] === 'string') return ids
  if (as === 'number') return ids.map(Number)
  return as === 'bigint' ? ids.map(BigInt) : ids.map(String)
}
