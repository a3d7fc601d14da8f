/**
 * Matches regular expressions on UTF-8 bytes in time linear in the text, whatever the pattern: an automaton, no
 * backtracking, so `(a+)+$` on a long text costs no more than any other pattern.
 *
 * Code point sets become byte tries, so text is never decoded. The tree becomes a nondeterministic automaton whose
 * state sets are determinized one transition at a time, as texts ask for them, and kept in a table: afterwards a byte
 * costs one lookup. The table is thrown away when it reaches DFA_STATES_MAX states.
 *
 * Assertions (`^ $ \b`) look at the neighbours of a place: a deterministic state remembers what kind of byte came
 * before it, and which byte comes next is known when the transition is made.
 */

import type { CodeRanges } from './regex-classes.js'
import type { Assertion, RegexNode } from './regex-syntax.js'
import { reject } from './reject.js'

/** States of the nondeterministic automaton; repetition counts multiply them. */
const NFA_STATES_MAX = 20_000
const DFA_STATES_MAX = 1_000

type NfaState =
  /** Triples (first byte, last byte, next state), disjoint. */
  | { readonly kind: 'bytes'; readonly edges: number[] }
  | { readonly kind: 'split'; readonly next: number[] }
  | { readonly kind: 'assert'; readonly what: Assertion; readonly next: number }
  | { readonly kind: 'match' }

/** What stands beside a place in the text. */
const Beside = { Edge: 0, Newline: 1, Word: 2, Other: 3 } as const
type Beside = (typeof Beside)[keyof typeof Beside]

const UNKNOWN_STATE = -1
const ACCEPT = -2

export class RegexMatcher {
  readonly #nfa: NfaState[] = [{ kind: 'match' }]
  readonly #start: number
  readonly #asserts: boolean
  /** Class of each byte: bytes that no edge and no assertion tells apart share a column of the table. */
  readonly #classOf = new Uint8Array(256)
  /** One byte of each class. */
  readonly #sample: number[] = []
  #table = new Int32Array(0)
  #sets: (readonly number[])[] = []
  #before: Beside[] = []
  /** Answer at the end of the text, per state: −1 not known yet. */
  #atEnd: number[] = []
  #known = new Map<string, number>()

  constructor(tree: RegexNode) {
    this.#start = this.#compile(tree, 0)
    this.#asserts = this.#nfa.some(state => state.kind === 'assert')
    this.#classifyBytes()
    this.#reset()
  }

  /** True when the pattern matches somewhere in heap[start, end). */
  matches(heap: Uint8Array, start: number, end: number): boolean {
    const classes = this.#sample.length
    let state = 0
    for (let i = start; i < end; i++) {
      const column = this.#classOf[heap[i]!]!
      let next = this.#table[state * classes + column]!
      if (next === UNKNOWN_STATE) next = this.#transition(state, column)
      if (next === ACCEPT) return true
      state = next
    }
    let answer = this.#atEnd[state]!
    if (answer < 0) {
      answer = this.#closure(this.#sets[state]!, this.#before[state]!, Beside.Edge) === null ? 1 : 0
      this.#atEnd[state] = answer
    }
    return answer === 1
  }

  // ---------------------------------------------------------------------------------------- determinizing

  #reset(): void {
    this.#table = new Int32Array(this.#sample.length * 16).fill(UNKNOWN_STATE)
    this.#sets = []
    this.#before = []
    this.#atEnd = []
    this.#known.clear()
    this.#stateOf([this.#start], Beside.Edge)
  }

  #stateOf(set: readonly number[], before: Beside): number {
    const key = `${before}:${set.join()}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const state = this.#sets.length
    this.#known.set(key, state)
    this.#sets.push(set)
    this.#before.push(before)
    this.#atEnd.push(-1)
    const needed = this.#sets.length * this.#sample.length
    if (needed > this.#table.length) {
      const larger = new Int32Array(needed * 2).fill(UNKNOWN_STATE)
      larger.set(this.#table)
      this.#table = larger
    }
    return state
  }

  #transition(state: number, column: number): number {
    const byte = this.#sample[column]!
    const closed = this.#closure(this.#sets[state]!, this.#before[state]!, besideOf(byte))
    let target = ACCEPT
    if (closed !== null) {
      const next = new Set<number>([this.#start])
      for (const at of closed) {
        const nfa = this.#nfa[at]!
        if (nfa.kind !== 'bytes') continue
        const { edges } = nfa
        for (let e = 0; e < edges.length; e += 3) {
          if (byte >= edges[e]! && byte <= edges[e + 1]!) next.add(edges[e + 2]!)
        }
      }
      const before = this.#asserts ? besideOf(byte) : Beside.Other
      const set = [...next].sort((a, b) => a - b)
      if (this.#sets.length >= DFA_STATES_MAX) {
        // The running match goes on from its set; nothing else is remembered.
        this.#reset()
        return this.#stateOf(set, before)
      }
      target = this.#stateOf(set, before)
    }
    this.#table[state * this.#sample.length + column] = target
    return target
  }

  /** States reached without a byte, given both neighbours; null when a match is among them. */
  #closure(set: readonly number[], before: Beside, after: Beside): readonly number[] | null {
    const seen = new Set<number>(set)
    const open = [...set]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const state = this.#nfa[at]!
      switch (state.kind) {
        case 'match':
          return null
        case 'split':
          for (const next of state.next) {
            if (seen.has(next)) continue
            seen.add(next)
            open.push(next)
          }
          break
        case 'assert':
          if (holds(state.what, before, after) && !seen.has(state.next)) {
            seen.add(state.next)
            open.push(state.next)
          }
          break
        case 'bytes':
      }
    }
    return [...seen]
  }

  // ---------------------------------------------------------------------------------------- building

  #add(state: NfaState): number {
    if (this.#nfa.length >= NFA_STATES_MAX) {
      reject('invalid regex pattern: error parsing regexp: expression is too large')
    }
    return this.#nfa.push(state) - 1
  }

  /** Builds the automaton of `node` that goes on to `next`; returns its entry. */
  #compile(node: RegexNode, next: number): number {
    switch (node.kind) {
      case 'set':
        return this.#compileSet(node.ranges, next)
      case 'assert':
        return this.#add({ kind: 'assert', what: node.what, next })
      case 'concat': {
        let entry = next
        for (let i = node.items.length - 1; i >= 0; i--) entry = this.#compile(node.items[i]!, entry)
        return entry
      }
      case 'alternate':
        return this.#add({ kind: 'split', next: node.items.map(item => this.#compile(item, next)) })
      case 'repeat': {
        let entry = next
        if (node.max < 0) {
          const loop: number[] = [next]
          entry = this.#add({ kind: 'split', next: loop })
          loop.push(this.#compile(node.item, entry))
        } else {
          for (let i = node.min; i < node.max; i++) {
            entry = this.#add({ kind: 'split', next: [next, this.#compile(node.item, entry)] })
          }
        }
        for (let i = 0; i < node.min; i++) entry = this.#compile(node.item, entry)
        return entry
      }
    }
  }

  /** A trie over UTF-8 bytes. Ranges come in rising order, so a shared prefix is always the last edge. */
  #compileSet(ranges: CodeRanges, next: number): number {
    const entry = this.#add({ kind: 'bytes', edges: [] })
    for (let i = 0; i < ranges.length; i += 2) {
      utf8Sequences(ranges[i]!, ranges[i + 1]!, sequence => this.#insert(entry, sequence, next))
    }
    return entry
  }

  #insert(entry: number, sequence: readonly number[], next: number): void {
    let at = entry
    for (let b = 0; b < sequence.length; b += 2) {
      const state = this.#nfa[at]!
      if (state.kind !== 'bytes') return
      const { edges } = state
      const first = sequence[b]!
      const last = sequence[b + 1]!
      if (b + 2 === sequence.length) edges.push(first, last, next)
      else if (edges.length > 0 && edges.at(-3) === first && edges.at(-2) === last) at = edges.at(-1)!
      else {
        at = this.#add({ kind: 'bytes', edges: [] })
        edges.push(first, last, at)
      }
    }
  }

  #classifyBytes(): void {
    const starts = new Uint8Array(257)
    for (const state of this.#nfa) {
      if (state.kind !== 'bytes') continue
      for (let e = 0; e < state.edges.length; e += 3) {
        starts[state.edges[e]!] = 1
        starts[state.edges[e + 1]! + 1] = 1
      }
    }
    for (let byte = 1; byte < 256; byte++) {
      if (this.#asserts && besideOf(byte) !== besideOf(byte - 1)) starts[byte] = 1
    }
    starts[0] = 1
    for (let byte = 0; byte < 256; byte++) {
      if (starts[byte] === 1) this.#sample.push(byte)
      this.#classOf[byte] = this.#sample.length - 1
    }
  }
}

function besideOf(byte: number): Beside {
  if (byte === 10) return Beside.Newline
  const word =
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x5f ||
    (byte >= 0x61 && byte <= 0x7a)
  return word ? Beside.Word : Beside.Other
}

function holds(what: Assertion, before: Beside, after: Beside): boolean {
  switch (what) {
    case 'textStart':
      return before === Beside.Edge
    case 'textEnd':
      return after === Beside.Edge
    case 'lineStart':
      return before === Beside.Edge || before === Beside.Newline
    case 'lineEnd':
      return after === Beside.Edge || after === Beside.Newline
    case 'boundary':
      return (before === Beside.Word) !== (after === Beside.Word)
    case 'notBoundary':
      return (before === Beside.Word) === (after === Beside.Word)
  }
}

/** First code point of each encoded length, and the one after the last. */
const LENGTH_STARTS = [0, 0x80, 0x800, 0x10000, 0x110000]

/** Calls back with byte sequences, as (first, last) pairs per byte, that together spell exactly [first, last]. */
function utf8Sequences(first: number, last: number, found: (sequence: readonly number[]) => void): void {
  for (let bytes = 1; bytes <= 4; bytes++) {
    const from = Math.max(first, LENGTH_STARTS[bytes - 1]!)
    const to = Math.min(last, LENGTH_STARTS[bytes]! - 1)
    if (from <= to) splitSequences(from, to, bytes, found)
  }
}

/** Splits until every byte below the first differing one covers its whole range. */
function splitSequences(
  first: number,
  last: number,
  bytes: number,
  found: (sequence: readonly number[]) => void,
): void {
  for (let i = 1; i < bytes; i++) {
    const mask = (1 << (6 * i)) - 1
    if ((first & ~mask) === (last & ~mask)) continue
    if ((first & mask) !== 0) {
      splitSequences(first, first | mask, bytes, found)
      splitSequences((first | mask) + 1, last, bytes, found)
      return
    }
    if ((last & mask) !== mask) {
      splitSequences(first, (last & ~mask) - 1, bytes, found)
      splitSequences(last & ~mask, last, bytes, found)
      return
    }
  }
  const low = Buffer.from(String.fromCodePoint(first), 'utf8')
  const high = Buffer.from(String.fromCodePoint(last), 'utf8')
  const sequence: number[] = []
  for (let b = 0; b < bytes; b++) sequence.push(low[b]!, high[b]!)
  found(sequence)
}
