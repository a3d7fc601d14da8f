/**
 * The layer rule and the doors: who may import whom.
 *
 * A file of lib/ imports its own room and earlier rooms, nothing else; type-only imports count, because cycles begin
 * as types. Each dependency is imported by exactly one file, its door, which is the only one that knows its quirks.
 */
import t from 'tap'
import {
  importedPath,
  importsOf,
  ROOMS,
  repoHas,
  repoText,
  roomOf,
  type SourceFile,
  sourceFiles,
} from './sources.js'

/** Dependency → the room its door stands in. */
const DOORS: Readonly<Record<string, string>> = {
  'classic-level': 'store',
  msgpackr: 'store',
  'hnswlib-node': 'index',
  jsts: 'filter',
  'p-queue': 'engine',
  commander: 'cli',
}

/** Server libraries: any file of the room may use them, none outside it. */
const ROOM_ONLY: Readonly<Record<string, string>> = { '@grpc/grpc-js': 'wire', fastify: 'wire' }

/** Rank of a room. lib/index.ts, the list of public names, stands between the adapters and the command line. */
function rankOf(room: string): number {
  if (room === 'lib') return ROOMS.indexOf('cli') - 0.5
  return (ROOMS as readonly string[]).indexOf(room)
}

/** One line per broken import. */
function brokenImports(files: readonly SourceFile[]): string[] {
  const broken: string[] = []
  for (const file of files) {
    const rank = rankOf(roomOf(file.path))
    if (rank < 0) broken.push(`${file.path}: "${roomOf(file.path)}" is no room`)
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) continue
      const target = importedPath(file, specifier)
      if (!target.startsWith('lib/')) broken.push(`${file.path}: imports ${target}, which is outside lib/`)
      else if (rankOf(roomOf(target)) > rank) {
        broken.push(`${file.path}: imports ${target}, a later room; rooms in order: ${ROOMS.join(' < ')}`)
      }
    }
  }
  return broken
}

/** Files of each bare (package) import, `node:` ones left out. */
function packageImports(files: readonly SourceFile[]): Map<string, Set<string>> {
  const importers = new Map<string, Set<string>>()
  for (const file of files) {
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) continue
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
      importers.set(name, (importers.get(name) ?? new Set()).add(file.path))
    }
  }
  return importers
}

const files = sourceFiles('lib')

t.test('a file imports its own room and earlier rooms, types included', async t => {
  t.strictSame(brokenImports(files), [])
})

t.test('every relative import of lib names a file that exists', async t => {
  const missing = files.flatMap(file =>
    importsOf(file)
      .filter(specifier => specifier.startsWith('.') && !repoHas(importedPath(file, specifier)))
      .map(specifier => `${file.path}: ${specifier}`),
  )
  t.strictSame(missing, [])
})

t.test('each dependency has one door', async t => {
  const importers = packageImports(files)
  for (const [name, room] of Object.entries(DOORS)) {
    const doors = [...(importers.get(name) ?? [])]
    t.equal(doors.length, 1, `${name} is imported by exactly one file, found: ${doors.join(', ') || 'none'}`)
    for (const door of doors) t.equal(roomOf(door), room, `${name}'s door stands in lib/${room}: ${door}`)
  }
  for (const [name, room] of Object.entries(ROOM_ONLY)) {
    for (const path of importers.get(name) ?? [])
      t.equal(roomOf(path), room, `${name} stays in lib/${room}: ${path}`)
  }
})

t.test('lib uses no package without a door, and declares no package that it does not use', async t => {
  const manifest = JSON.parse(repoText('package.json')) as Record<string, Record<string, string>>
  const declared = Object.keys({ ...manifest['dependencies'], ...manifest['optionalDependencies'] }).sort()
  const used = [...packageImports(files).keys()].sort()
  t.strictSame(
    used,
    declared,
    'imported packages are the declared ones (built-in modules are written node:…)',
  )
  const strangers = declared.filter(name => !(name in DOORS) && !(name in ROOM_ONLY))
  t.strictSame(strangers, [], 'every dependency has a door or a room')
})

t.test('the check itself notices upward, type-only, dynamic and worker imports', async t => {
  const upward = (text: string) => brokenImports([{ path: 'lib/base/x.ts', text }]).length
  t.equal(upward("import { a } from '../engine/a.js'"), 1)
  t.equal(upward("import type { A } from '../schema/a.js'"), 1)
  t.equal(upward("export type { A } from '../schema/a.js'"), 1)
  t.equal(upward("const a = await import('../store/a.js')"), 1)
  t.equal(upward("new Worker(new URL('../engine/worker.js', import.meta.url))"), 1)
  t.equal(upward("import { x } from '../../test/support/rng.js'"), 1)
  t.equal(upward("import { x } from './y.js'"), 0)
  t.equal(brokenImports([{ path: 'lib/cli/x.ts', text: "import { open } from '../index.js'" }]).length, 0)
  t.equal(brokenImports([{ path: 'lib/util/x.ts', text: '' }]).length, 1)
  const optional = "const x = createRequire(import.meta.url)('hnswlib-node')"
  t.strictSame([...packageImports([{ path: 'lib/index/x.ts', text: optional }]).keys()], ['hnswlib-node'])
  t.strictSame(
    [
      ...packageImports([
        { path: 'lib/store/x.ts', text: "import { a } from '@s/p/deep'\nimport 'node:fs'" },
      ]).keys(),
    ],
    ['@s/p'],
  )
})
