/**
 * Makes dist/bundle, what the package ships: few minified files instead of hundreds, because a process that opens a
 * store and searches once spends much of its time on loading modules.
 *
 * classic-level's JavaScript is bundled and its native binding is not (it is built where the package is installed), so
 * both must be of one version: package.json pins it. The licences of what is bundled go into third-party.txt.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const BUNDLED = new Set(['classic-level', 'abstract-level', 'msgpackr', 'p-queue'])
const OUT = 'dist/bundle'
const REQUIRE =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);"

/** Everything from node_modules stays outside, but what is on the list, what that needs, and never a native binding. */
const packages = {
  name: 'packages',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/binding$/ }, ({ importer }) =>
      importer.includes('node_modules/classic-level/') ? { path: 'classic-level/binding.js', external: true } : null,
    )
    onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
      if (kind === 'entry-point') return null
      const name = path.split('/', path.startsWith('@') ? 2 : 1).join('/')
      const wanted = BUNDLED.has(name) || importer.includes('/node_modules/')
      return wanted && !path.startsWith('node:') ? null : { path, external: true }
    })
  },
}

rmSync(OUT, { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: ['dist/lib/index.js', 'dist/lib/compaction/worker.js', 'dist/lib/cli/kestrel.js'],
  outdir: OUT,
  entryNames: '[name]',
  bundle: true,
  splitting: true,
  minifyWhitespace: true,
  minifySyntax: true,
  // Names stay and lines are short: Node prints the line that threw.
  lineLimit: 120,
  sourcemap: true,
  sourcesContent: false,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  legalComments: 'none',
  banner: { js: REQUIRE },
  metafile: true,
  logLevel: 'warning',
  plugins: [packages],
})

const folders = new Set()
for (const input of Object.keys(metafile.inputs)) {
  const found = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)
  if (found !== null) folders.add(found[0])
}
const notices = [...folders].sort().map(folder => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const text = ['LICENSE', 'LICENSE.md', 'license', 'LICENCE'].flatMap(file => {
    try {
      return [readFileSync(join(folder, file), 'utf8').trim()]
    } catch (cause) {
      if (cause.code === 'ENOENT') return []
      throw cause
    }
  })
  if (text.length === 0) throw new Error(`${name} has no licence text in ${dirname(folder)}`)
  return `${name} ${version} (${license})\n\n${text[0]}\n`
})
writeFileSync(join(OUT, 'third-party.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`))
