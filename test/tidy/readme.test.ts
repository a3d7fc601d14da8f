/**
 * The example that opens the README runs as it stands and prints what its comment says.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { repoText } from './sources.js'

t.test('the example of the README works', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'kestrel-readme-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const blocks = [...repoText('README.md').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(match => match[1]!)
  const example = blocks.find(block => block.includes("from 'kestreldb'"))
  t.ok(example, 'the README has an example')
  const expected = /console\.log\(.*\) \/\/ (.+)$/m.exec(example ?? '')?.[1]
  t.ok(expected, 'the example says what it prints')
  const library = new URL('../../lib/index.js', import.meta.url)
  const script = join(folder, 'example.mjs')
  writeFileSync(script, (example ?? '').replace("'kestreldb'", JSON.stringify(library.href)))
  const { stdout } = await promisify(execFile)(process.execPath, [script], { cwd: folder })
  t.equal(stdout.replace(/\s+/g, ' ').trim(), expected)
})
