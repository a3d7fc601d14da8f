/** Crash points: silent unless armed, and then the process is gone at once, by SIGKILL. */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import {
  armCrashPoint,
  armedCrashPoint,
  crashPoint,
  disarmCrashPoint,
} from '../../../lib/base/crash-point.js'

t.test('a point that is not armed does nothing', async t => {
  crashPoint('anything')
  t.equal(armedCrashPoint(), null)
  armCrashPoint('some:point', 2)
  t.strictSame(armedCrashPoint(), { name: 'some:point', afterHits: 2 })
  crashPoint('another:point')
  crashPoint('some:point')
  disarmCrashPoint()
  t.equal(armedCrashPoint(), null)
  crashPoint('some:point')
})

t.test('the process dies at the hit that was asked for, before anything else runs', async t => {
  const module = new URL('../../../lib/base/crash-point.js', import.meta.url).href
  const script = `
    import { writeSync } from 'node:fs'
    import { armCrashPoint, crashPoint } from '${module}'
    process.on('exit', () => writeSync(1, 'exit hook'))
    armCrashPoint('here', 3)
    for (let i = 1; i <= 5; i++) { crashPoint('here'); crashPoint('there'); writeSync(1, 'passed ' + i + ';') }
  `
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  t.equal(child.signal, 'SIGKILL')
  t.equal(child.stdout, 'passed 1;passed 2;')
})
