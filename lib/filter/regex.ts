/**
 * `=~` and `!~`: a pattern in RE2 syntax to a test on bytes. Patterns are remembered, because the automaton behind one
 * gets faster with use.
 */

import { RegexMatcher } from './regex-matcher.js'
import { parseRegex } from './regex-syntax.js'
import { reject } from './reject.js'
import type { TextTest } from './text-test.js'

const CACHE_MAX = 64
/** Longer patterns are refused: compiling costs time and memory in proportion. */
const PATTERN_CHARS_MAX = 10_000
const matchers = new Map<string, RegexMatcher>()

/** The test of an unanchored match. @throws MilvusError 1100 `invalid regex pattern: …` */
export function regexTest(pattern: string): TextTest {
  let matcher = matchers.get(pattern)
  if (matcher === undefined) {
    if (pattern.length > PATTERN_CHARS_MAX) reject('invalid regex pattern: expression is too large')
    matcher = new RegexMatcher(parseRegex(pattern))
    matchers.set(pattern, matcher)
    if (matchers.size > CACHE_MAX) matchers.delete(matchers.keys().next().value!)
  }
  return { kind: 'regex', matcher }
}
