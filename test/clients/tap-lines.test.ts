/** What clients print is counted right, and a slip in client.json is named. */
import t from 'tap'
import { readClientText } from './client-file.js'
import { addChecks, readChecks } from './tap-lines.js'

t.test('passed, failed and skipped checks are told apart; other lines do not count', async t => {
  const checks = readChecks(
    [
      'some library says hello',
      '# version pymilvus 2.6.3',
      'ok 1 - connects',
      'okay, this is prose',
      'not ok 2 - reads back',
      '# expected 1',
      '  found 2',
      'noise',
      '# not about the failure',
      'ok 3 - text match # SKIP not built',
      '    ok 1 - of a subtest, which its parent counts',
      'not ok 4 - last',
      'ok 5',
      '1..5',
    ].join('\r\n'),
  )
  t.strictSame(checks, {
    passed: 2,
    failures: [
      { what: 'reads back', diagnostics: ['# expected 1', '  found 2'] },
      { what: 'last', diagnostics: [] },
    ],
    skipped: ['text match # SKIP not built'],
    version: 'pymilvus 2.6.3',
  })
})

t.test('no lines are no checks; phases add up', async t => {
  t.equal(readChecks('').passed, 0)
  const sum = addChecks([
    readChecks('ok 1 - a'),
    readChecks('not ok 1 - b\n# version x'),
    readChecks('ok 1 - c # skip d'),
  ])
  t.strictSame(sum, {
    passed: 1,
    failures: [{ what: 'b', diagnostics: [] }],
    skipped: ['c # skip d'],
    version: 'x',
  })
})

t.test('client.json is judged when it is read', async t => {
  const good = {
    toolchain: [['node', '--version']],
    install: [],
    phases: { before: ['a'], after: ['b', 'c'] },
  }
  t.strictSame(readClientText(JSON.stringify(good), 'x'), { ...good, shares: [] })
  for (const [value, message] of [
    [[], 'x: expected an object'],
    [{ ...good, install: 'npm ci' }, 'x: install must be a list of commands'],
    [{ ...good, toolchain: [[]] }, 'x: toolchain[0] must be a list of texts'],
    [{ ...good, phases: { before: ['a'] } }, 'x: phases.after must be a list of texts'],
    [{ ...good, phases: undefined }, 'x: phases must name'],
    [{ ...good, shares: 'js' }, 'x: shares must be'],
  ] as const) {
    t.throws(() => readClientText(JSON.stringify(value), 'x'), {
      message: new RegExp(message.replace(/[[\]]/g, '\\$&')),
    })
  }
})
