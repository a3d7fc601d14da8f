/**
 * JSON arrays as bytes: length, deep equality with a literal list, and whether some element is in a set.
 *
 * Elements pass through the register one after the other; before a nested list is compared, everything needed later is
 * in local variables.
 */
import type { Literal } from './ast.js'
import type { ElementSet } from './element-set.js'
import { firstElement, loadValue, nextElement, skipValue } from './json-scan.js'
import { integerAsDouble, Kind, register } from './register.js'

/** Number of elements of the array at `array`; −1 for broken text. */
export function arrayLength(heap: Uint8Array, array: number, end: number): number {
  let count = 0
  let at = firstElement(heap, array, end)
  while (at >= 0) {
    count++
    const after = skipValue(heap, at, end)
    if (after < 0) return -1
    at = nextElement(heap, after, end)
  }
  return count
}

/** True when some element of the array at `array` is in the set. */
export function anyElement(set: ElementSet, heap: Uint8Array, array: number, end: number): boolean {
  let at = firstElement(heap, array, end)
  while (at >= 0) {
    loadValue(heap, at, end)
    const after = register.next
    if (isMember(set)) return true
    at = nextElement(heap, after, end)
  }
  return false
}

/** Deep, ordered equality of a literal list and the JSON array heap[start, end). */
export function equalsList(items: readonly Literal[], heap: Uint8Array, start: number, end: number): boolean {
  let at = firstElement(heap, start, end)
  for (let i = 0; i < items.length; i++) {
    if (at < 0) return false
    loadValue(heap, at, end)
    const after = register.next
    if (!equalsLiteral(items[i]!)) return false
    at = nextElement(heap, after, end)
  }
  return at < 0
}

/** True when the loaded value equals the literal. Numbers compare by value, exactly for integers. */
export function equalsLiteral(literal: Literal): boolean {
  const { kind, high, low } = register
  switch (literal.kind) {
    case 'bool':
      return kind === Kind.Bool && (low === 1) === literal.value
    case 'int':
      if (kind === Kind.Double) return register.double === Number(literal.value)
      return (
        kind === Kind.Int &&
        high === Number(literal.value >> 32n) &&
        low >>> 0 === Number(literal.value & 0xffffffffn)
      )
    case 'float':
      if (kind === Kind.Int) return integerAsDouble(high, low) === literal.value
      return kind === Kind.Double && register.double === literal.value
    case 'string':
      return kind === Kind.Text
        ? Buffer.compare(
            Buffer.from(literal.value, 'utf8'),
            register.bytes.subarray(register.start, register.end),
          ) === 0
        : false
    case 'list':
      return kind === Kind.Array && equalsList(literal.items, register.bytes, register.start, register.end)
  }
}

/** True when the loaded value equals a member; values of another class equal none. */
export function isMember(set: ElementSet): boolean {
  const { high, low } = register
  switch (register.kind) {
    case Kind.Int:
      if (set.integers === null) return false
      if (set.integers.has(high, low)) return true
      return set.wideFloats?.has(integerAsDouble(high, low)) ?? false
    case Kind.Double:
      return set.doubles.has(register.double)
    case Kind.Text:
      return set.texts?.has(register.bytes, register.start, register.end) ?? false
    case Kind.Bool:
      return low === 1 ? set.hasTrue : set.hasFalse
    case Kind.Array: {
      const { bytes, start, end } = register
      for (const list of set.lists) if (equalsList(list, bytes, start, end)) return true
      return false
    }
    default:
      return false
  }
}
