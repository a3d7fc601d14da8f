/**
 * Makes the long lists of a filter ready before it is compiled, in slices that give the event loop turns.
 *
 * The compiler stops between the terms of chains, not inside a list: reading one, and filing it in a set, can be long.
 * So long filters have their lists read first and handed to the compiler as finished constants (`readAhead`), and their
 * sets made afterwards (`prepareSets`). What neither does is done by the compiler and by whoever asks for a set first, so
 * the plan is the same with and without them.
 */
import type { Turn } from '../base/turn.js'
import type { Literal } from './ast.js'
import type { Bound } from './bound.js'
import type { TemplateValues } from './fold.js'
import { closeOf, ListReader, type ReadList, type ReadLists } from './literal-list.js'
import { ListPacker, type PackedList, PackedLiteral, packedOfTest } from './packed-list.js'

/** Filters with a longer text, or a template list of so many values, are worth waiting for. */
const LONG_TEXT = 8_192
const LONG_VALUES = 1_000
/** Values read or filed between two looks at the clock: under 1 ms, also before the code is compiled. */
const SLICE_VALUES = 512
/** Characters outside of lists passed between two looks at the clock. */
const SLICE_CHARACTERS = 8_192

/** Constants that a compiler need not make any more. */
export interface ReadAhead {
  readonly lists: ReadLists
  /** Template values by name. */
  readonly values: ReadonlyMap<string, Literal>
}

/** True for filters whose lists are better made ready in slices. */
export function isLong(text: string, templates: TemplateValues | undefined): boolean {
  if (text.length > LONG_TEXT) return true
  if (templates === undefined || templates === null) return false
  for (const name in templates) {
    const value = templates[name]
    if (Array.isArray(value) && value.length >= LONG_VALUES) return true
  }
  return false
}

/** Reads the long lists of a text and of its templates. What is not plain is left to the compiler. */
export async function readAhead(text: string, templates: TemplateValues, turn: Turn): Promise<ReadAhead> {
  const lists = await readLists(text, turn)
  const values = new Map<string, Literal>()
  for (const name of Object.keys(templates ?? {})) {
    const given = templates[name]
    if (!Array.isArray(given) || given.length < LONG_VALUES) continue
    const packed = await packInSlices(given, turn)
    if (packed === null) continue
    // The key of the plan in the cache is made of the set's bytes.
    await prepare(packed, turn)
    values.set(name, new PackedLiteral(packed))
  }
  return { lists, values }
}

async function readLists(text: string, turn: Turn): Promise<ReadLists> {
  const lists = new Map<number, ReadList | null>()
  if (text.length <= LONG_TEXT) return lists
  let look = SLICE_CHARACTERS
  let at = 0
  while (at < text.length) {
    if (at >= look) {
      if (turn.due()) await turn.next()
      look = at + SLICE_CHARACTERS
    }
    const c = text.charCodeAt(at)
    if (c === 34 || c === 39) {
      const close = closeOf(text, at)
      if (close < 0) break
      at = close + 1
    } else if (c === 91 /* [ */) {
      const reader = new ListReader(text, at)
      while (!reader.read(SLICE_VALUES)) if (turn.due()) await turn.next()
      lists.set(at, reader.result)
      // Where a list is not plain, a nested one may begin.
      at = reader.at
    } else at++
  }
  return lists
}

async function packInSlices(given: readonly unknown[], turn: Turn): Promise<PackedList | null> {
  const packer = new ListPacker()
  const count = given.length
  for (let i = 0; i < count; i++) {
    if (i % SLICE_VALUES === 0 && turn.due()) await turn.next()
    if (!packer.addValue(given[i])) return null
  }
  return packer.done()
}

/** Files the packed lists of a plan in their sets. */
export async function prepareSets(root: Bound, turn: Turn): Promise<void> {
  for (const packed of packedListsOf(root)) await prepare(packed, turn)
}

async function prepare(packed: PackedList, turn: Turn): Promise<void> {
  while (!packed.prepare(SLICE_VALUES)) if (turn.due()) await turn.next()
}

/** Makes the primary keys of a list. */
export async function prepareKeys(packed: PackedList, turn: Turn): Promise<void> {
  await prepare(packed, turn)
  while (!packed.prepareKeys(SLICE_VALUES)) if (turn.due()) await turn.next()
}

function packedListsOf(root: Bound): readonly PackedList[] {
  const found = new Set<PackedList>()
  const open: Bound[] = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    switch (node.op) {
      case 'and':
      case 'or':
        for (const item of node.items) open.push(item)
        break
      case 'scalar':
      case 'element':
      case 'json': {
        const packed = packedOfTest(node.test)
        if (packed !== null) found.add(packed)
        break
      }
      case 'contains':
        for (const set of node.sets) if (set.packed !== null) found.add(set.packed)
    }
  }
  return [...found]
}
