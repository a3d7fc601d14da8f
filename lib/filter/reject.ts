/**
 * How every part of this room says no to a filter text.
 *
 * The parts throw the detail alone; compile.ts adds, once, which plan failed, the text and the class of the error.
 */
import { MilvusError } from '../base/errors.js'

/** Throws code 1100 with the detail alone as its message; compile.ts wraps it. */
export function reject(detail: string): never {
  throw new MilvusError('ParameterInvalid', detail, { bare: true })
}
