export interface RegexMatcher {
  matches(heap: Uint8Array, start: number, end: number): boolean
}
