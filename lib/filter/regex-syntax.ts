/**
 * RE2 syntax to a tree (query-search-semantics §1.10): what is here is what the language has; lookaround,
 * back-references, possessive and stacked repetition are errors with RE2's words.
 *
 * Only "does it match somewhere" is ever asked, so captures are plain groups and greediness means nothing. The dot
 * matches newlines unless `(?-s)` says otherwise. Flags hold to the end of their group.
 */

import {
  ANY,
  type CodeRanges,
  complement,
  foldCase,
  NOT_NEWLINE,
  normalize,
  perlClass,
  posixClass,
  unicodeClass,
} from './regex-classes.js'
import { reject } from './reject.js'

export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'boundary' | 'notBoundary'

export type RegexNode =
  | { readonly kind: 'set'; readonly ranges: CodeRanges }
  | { readonly kind: 'concat' | 'alternate'; readonly items: readonly RegexNode[] }
  /** max −1: no limit. */
  | { readonly kind: 'repeat'; readonly item: RegexNode; readonly min: number; readonly max: number }
  | { readonly kind: 'assert'; readonly what: Assertion }

/** RE2's own limits. */
const REPEAT_MAX = 1000
const NESTING_MAX = 1000

interface Flags {
  readonly fold: boolean
  readonly multiline: boolean
  readonly dotAll: boolean
}

/** Parses a pattern. @throws MilvusError 1100 `invalid regex pattern: …` */
export function parseRegex(pattern: string): RegexNode {
  return new RegexParser(pattern).whole()
}

class RegexParser {
  readonly #chars: readonly string[]
  #at = 0
  #nesting = 0
  #flags: Flags = { fold: false, multiline: false, dotAll: true }

  constructor(pattern: string) {
    this.#chars = [...pattern]
  }

  whole(): RegexNode {
    const node = this.#alternation()
    if (this.#at < this.#chars.length) this.#fail('unexpected )', this.#chars.join(''))
    return node
  }

  #fail(what: string, where: string): never {
    return reject(`invalid regex pattern: error parsing regexp: ${what}: \`${where}\``)
  }

  #peek(ahead = 0): string | undefined {
    return this.#chars[this.#at + ahead]
  }

  #looking(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#peek(i) !== text[i]) return false
    return true
  }

  #alternation(): RegexNode {
    if (++this.#nesting > NESTING_MAX) this.#fail('expression nests too deeply', '(')
    const branches: RegexNode[] = []
    let items: RegexNode[] = []
    for (;;) {
      const c = this.#peek()
      if (c === undefined || c === ')') break
      if (c === '|') {
        this.#at++
        branches.push({ kind: 'concat', items })
        items = []
      } else if (this.#looking('\\Q')) this.#quoted(items)
      else {
        const atom = this.#atom()
        // A flag group such as `(?i)` is no atom and cannot be repeated.
        if (atom === null) continue
        items.push(this.#repeated(atom))
      }
    }
    this.#nesting--
    const last: RegexNode = { kind: 'concat', items }
    return branches.length === 0 ? last : { kind: 'alternate', items: [...branches, last] }
  }

  /** `\Q…\E`: characters as they are; a repetition after it belongs to the last one. */
  #quoted(items: RegexNode[]): void {
    this.#at += 2
    while (this.#at < this.#chars.length && !this.#looking('\\E')) {
      items.push(this.#literal(this.#chars[this.#at++]!.codePointAt(0)!))
    }
    this.#at += 2
    const last = items.at(-1)
    if (last !== undefined && '*+?{'.includes(this.#peek() ?? ' ')) {
      items[items.length - 1] = this.#repeated(last)
    }
  }

  #literal(code: number): RegexNode {
    const ranges = [code, code]
    return { kind: 'set', ranges: this.#flags.fold ? foldCase(ranges) : ranges }
  }

  #atom(): RegexNode | null {
    const c = this.#chars[this.#at]!
    switch (c) {
      case '(':
        return this.#group()
      case '[':
        return this.#bracket()
      case '.':
        this.#at++
        return { kind: 'set', ranges: this.#flags.dotAll ? ANY : NOT_NEWLINE }
      case '^':
        this.#at++
        return { kind: 'assert', what: this.#flags.multiline ? 'lineStart' : 'textStart' }
      case '$':
        this.#at++
        return { kind: 'assert', what: this.#flags.multiline ? 'lineEnd' : 'textEnd' }
      case '*':
      case '+':
      case '?':
        return this.#fail('missing argument to repetition operator', c)
      case '\\':
        return this.#escape()
      default:
        this.#at++
        return this.#literal(c.codePointAt(0)!)
    }
  }

  #repeated(atom: RegexNode): RegexNode {
    const from = this.#at
    const counts = this.#counts()
    if (counts === null) return atom
    if (this.#peek() === '?') this.#at++ // lazy: the same question
    const first = this.#at
    if (this.#counts() !== null) {
      this.#fail('invalid nested repetition operator', this.#chars.slice(from, this.#at).join(''))
    }
    this.#at = first
    const [min, max] = counts
    if (min > REPEAT_MAX || max > REPEAT_MAX || (max >= 0 && max < min)) {
      this.#fail('invalid repeat count', this.#chars.slice(from, first).join(''))
    }
    return { kind: 'repeat', item: atom, min, max }
  }

  /** Reads `*`, `+`, `?` or `{n,m}`; null (nothing read) when there is none: a lone `{` is a character. */
  #counts(): readonly [number, number] | null {
    switch (this.#peek()) {
      case '*':
        this.#at++
        return [0, -1]
      case '+':
        this.#at++
        return [1, -1]
      case '?':
        this.#at++
        return [0, 1]
      case '{': {
        const text = this.#chars.slice(this.#at, this.#at + 24).join('')
        const match = /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(text)
        if (match === null) return null
        this.#at += match[0].length
        const min = Number(match[1])
        return [min, match[2] === undefined ? min : match[3] === '' ? -1 : Number(match[3])]
      }
      default:
        return null
    }
  }

  #group(): RegexNode | null {
    const whole = this.#chars.join('')
    const outer = this.#flags
    this.#at++
    if (this.#peek() === '?') {
      const rest = this.#chars.slice(this.#at - 1, this.#at + 200).join('')
      const named = /^\(\?P?<([A-Za-z0-9_]+)>/.exec(rest)
      if (named !== null) this.#at += named[0].length - 1
      else {
        if (/^\(\?P?</.test(rest) && !/^\(\?<[=!]/.test(rest))
          this.#fail('invalid named capture', rest.slice(0, 20))
        const flags = /^\(\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest)
        if (flags === null || (flags[1] === '' && flags[2] === undefined && flags[3] === ')')) {
          return this.#fail('invalid or unsupported Perl syntax', rest.slice(0, rest[2] === '<' ? 4 : 3))
        }
        this.#at += flags[0].length - 1
        this.#setFlags(flags[1]!, true)
        this.#setFlags(flags[2] ?? '', false)
        if (flags[3] === ')') return null
      }
    }
    const inner = this.#alternation()
    if (this.#peek() !== ')') this.#fail('missing closing )', whole)
    this.#at++
    this.#flags = outer
    return inner
  }

  #setFlags(letters: string, on: boolean): void {
    for (const letter of letters) {
      if (letter === 'i') this.#flags = { ...this.#flags, fold: on }
      else if (letter === 'm') this.#flags = { ...this.#flags, multiline: on }
      else if (letter === 's') this.#flags = { ...this.#flags, dotAll: on }
    }
  }

  #escape(): RegexNode {
    const letter = this.#peek(1)
    const asserted = ({ A: 'textStart', z: 'textEnd', b: 'boundary', B: 'notBoundary' } as const)[
      letter ?? ''
    ]
    if (asserted !== undefined) {
      this.#at += 2
      return { kind: 'assert', what: asserted }
    }
    const ranges = this.#classEscape()
    if (ranges !== null) return { kind: 'set', ranges: this.#flags.fold ? foldCase(ranges) : ranges }
    return this.#literal(this.#characterEscape())
  }

  /** `\d`, `\pL`, `\p{Greek}` …; null (nothing read) when the escape is a single character. */
  #classEscape(): CodeRanges | null {
    const letter = this.#peek(1)
    if (letter === undefined) return null
    const perl = perlClass(letter)
    if (perl !== null) {
      this.#at += 2
      return perl
    }
    if (letter !== 'p' && letter !== 'P') return null
    const text = this.#chars.slice(this.#at + 2, this.#at + 60).join('')
    const match = /^(?:\{(\^?)([^}]*)\}|([A-Za-z]))/.exec(text)
    const ranges = match === null ? null : unicodeClass(match[2] ?? match[3]!)
    if (match === null || ranges === null) {
      return this.#fail('invalid character class range', `\\${letter}${match?.[0] ?? ''}`)
    }
    this.#at += 2 + [...match[0]].length
    return (letter === 'P') !== (match[1] === '^') ? complement(ranges) : ranges
  }

  /** A code point written as an escape. */
  #characterEscape(): number {
    const c = this.#peek(1)
    if (c === undefined) return this.#fail('trailing backslash at end of expression', '')
    const text = this.#chars.slice(this.#at + 1, this.#at + 14).join('')
    const hex = /^x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})/.exec(text)
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(text)
    const simple = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 }[c]
    let code: number
    if (hex !== null) code = Number.parseInt(hex[1] ?? hex[2]!, 16)
    else if (octal !== null) code = Number.parseInt(octal[0], 8)
    else if (simple !== undefined) code = simple
    else if (/^[!-/:-@[-`{-~]$/.test(c)) code = c.codePointAt(0)!
    else return this.#fail('invalid escape sequence', `\\${c}`)
    if (code > 0x10ffff) this.#fail('invalid escape sequence', `\\${text}`)
    this.#at += 1 + (hex?.[0].length ?? octal?.[0].length ?? 1)
    return code
  }

  #bracket(): RegexNode {
    const open = this.#at++
    const negated = this.#peek() === '^'
    if (negated) this.#at++
    const pairs: number[] = []
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      if (this.#peek() === undefined) this.#fail('missing closing ]', this.#chars.slice(open).join(''))
      const named = this.#namedInBracket()
      if (named !== null) {
        pairs.push(...named)
        continue
      }
      const from = this.#at
      const low = this.#bracketCharacter(open)
      let high = low
      if (this.#peek() === '-' && this.#peek(1) !== ']' && this.#peek(1) !== undefined) {
        this.#at++
        high = this.#bracketCharacter(open)
      }
      if (high < low) this.#fail('invalid character class range', this.#chars.slice(from, this.#at).join(''))
      pairs.push(low, high)
    }
    this.#at++
    let ranges = normalize(pairs)
    if (this.#flags.fold) ranges = foldCase(ranges)
    return { kind: 'set', ranges: negated ? complement(ranges) : ranges }
  }

  /** `[:alpha:]`, `\d`, `\p{…}` inside a bracket; null (nothing read) for a character. */
  #namedInBracket(): CodeRanges | null {
    if (this.#peek() === '\\') return this.#classEscape()
    if (!this.#looking('[:')) return null
    const match = /^\[:(\^?[A-Za-z]*):\]/.exec(this.#chars.slice(this.#at, this.#at + 24).join(''))
    if (match === null) return null
    const ranges = posixClass(match[1]!)
    if (ranges === null) return this.#fail('invalid character class range', match[0])
    this.#at += match[0].length
    return ranges
  }

  #bracketCharacter(open: number): number {
    const c = this.#peek()
    if (c === undefined) return this.#fail('missing closing ]', this.#chars.slice(open).join(''))
    if (c === '\\') return this.#characterEscape()
    this.#at++
    return c.codePointAt(0)!
  }
}
