/**
 * The documents point at things that exist: files behind links, source files, npm scripts.
 */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { repoHas, repoRoot, repoText } from './sources.js'

/** README, CHANGELOG and every page below docs/, as paths from the root. */
function pages(): string[] {
  const below = readdirSync(join(repoRoot(), 'docs'), { recursive: true, encoding: 'utf8' })
  return [
    'README.md',
    'CHANGELOG.md',
    ...below.filter(name => name.endsWith('.md')).map(name => `docs/${name}`),
  ]
}

/** The text without fenced blocks and inline code. */
function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
}

/** Anchor that a heading gets: lower case, spaces to hyphens, punctuation dropped. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-')
}

/** Headings of a page, as anchors. */
function anchorsOf(path: string): string[] {
  return [
    ...repoText(path)
      .replace(/^```[\s\S]*?^```/gm, '')
      .matchAll(/^#+ (.+)$/gm),
  ].map(match => anchorOf(match[1]!))
}

t.test('every relative link leads to a file, and every anchor to a heading', async t => {
  let count = 0
  for (const page of pages()) {
    for (const match of prose(repoText(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      const link = match[1]!
      if (/^[a-z]+:/.test(link)) continue
      count++
      const [file, anchor] = link.split('#')
      const target = file === '' ? page : join(dirname(page), file!)
      if (!repoHas(target)) t.fail(`${page}: ${link} leads nowhere`)
      else if (anchor !== undefined && !anchorsOf(target).includes(anchor)) {
        t.fail(`${page}: ${link} names no heading`)
      }
    }
  }
  t.ok(count > 5, 'links were found')
})

t.test('source files that the documents name exist', async t => {
  let count = 0
  for (const page of pages()) {
    for (const match of repoText(page).matchAll(/`((?:lib|test|bench)\/[\w./-]*\w\/?)`/g)) {
      count++
      if (!repoHas(match[1]!)) t.fail(`${page}: \`${match[1]}\` does not exist`)
    }
  }
  t.ok(count > 20, 'names of files were found')
})

t.test('npm scripts that the documents name exist', async t => {
  const { scripts } = JSON.parse(repoText('package.json')) as { scripts: Record<string, string> }
  for (const page of pages()) {
    for (const match of repoText(page).matchAll(/npm run ([\w:-]+)/g)) {
      t.ok(match[1]! in scripts, `${page}: npm run ${match[1]}`)
    }
  }
})
