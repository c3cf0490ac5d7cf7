// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { hostileTexts, withText } from '../../../test/fixtures/hostile-page.ts';
import { crashedRun, judgedRun } from './report/sample-run.fixture.ts';
import type { RunRecord } from './run-record.ts';
import { summarize } from './summary.ts';

const bad = judgedRun({ failures: 0.03, slow: 0.06 });

describe('a summary', () => {
  test('of a rollback says so first, then why, figures, lines, and where the record is', () => {
    const [headline, , , , why] = summarize(bad).split('\n');
    expect(headline).toBe('## ⛔ Rolled back: shop in web');
    expect(why).toMatch(/^\*\*CANARY_REGRESSION\*\* failed requests\\: canary 2\.71 % of 480 requests, .* The release is at revision 7\. The signed record of it hangs on the image: <code>sha256\\:abab/);
    expect(summarize(bad)).toContain('| failed requests | 2.71 % of 480 requests | 0 % of 480 requests | 229 : 1 | 200 : 1 | less than 1 : 1 | 20 : 1 |');
    expect(summarize(bad)).toContain('Roll back beyond 0.1 % + 1.1 x the baseline, promote below 0.5 % + 1.25 x the baseline');
    expect(summarize(bad)).not.toContain('canary recover');
  });

  test('has two charts that GitHub draws, each line with a value for each point', () => {
    const charts = summarize(bad).split('```mermaid').slice(1).map((chart) => chart.split('```')[0] ?? '');
    expect(charts).toHaveLength(2);
    const [weights = '', rates = ''] = charts;
    expect(weights).toContain('x-axis "seconds since the first traffic" 0 --> 90\n  y-axis "weight, percent" 0 --> 100\n  line [5, 5, ');
    expect(rates).toContain('y-axis "failed requests, percent" 0 --> 5.50\n  line [0, 5,');
    const counts = charts.flatMap((chart) => [...chart.matchAll(/line \[([^\]]*)\]/g)].map(([, list = '']) => list.split(', ').length));
    expect(counts).toEqual([18, 18, 18, 18, 18]);
  });

  test('of a day has a bound', () => {
    const timeline = Array.from({ length: 400 }, (_, index) => ({ ...bad.timeline[0], elapsedSeconds: 200 * (index + 1) })) as RunRecord['timeline'];
    expect(summarize({ ...bad, timeline }).length).toBeLessThan(5000);
  });

  test('of a crash tells causes, what to do, what the log says, and how to put things back; no chart', () => {
    const text = summarize(crashedRun());
    expect(text).toMatch(/^## ❌ Failed: shop in web\n/);
    expect(text).toContain('**The last lines of its log say why.**');
    expect(text).toContain('log: reading configuration from /etc/shop/config.yaml');
    expect(text).toContain('pratique canary recover --release shop --namespace web');
    expect(text).not.toContain('mermaid');
  });

  test.each(hostileTexts.map((text) => [JSON.stringify(text).slice(0, 40), text]))('%s changes no line of it', (_name, text) => {
    const chosen = new Set(['result', 'code', 'strategy', 'comparison', 'name', 'verdict', 'reason', 'registry', 'repository', 'digest', 'release', 'namespace']);
    const shape = (record: RunRecord): string[] => summarize(record).replaceAll(/`{3,}/g, '```').split('\n').map((line) => /^(?:#+ |\| |- |```\w*|<\/?(?:details|summary)|)/.exec(line)?.[0] ?? '');
    const said = (one: string): RunRecord => withText(crashedRun(), one, { chosen }) as RunRecord;
    // Log lines stay lines of their fence.
    // Only hints have lines of their own: what follows the first is a command.
    expect(shape(said(text.replaceAll('\n', ' '))).filter((mark) => mark !== '')).toEqual(shape(said('text')).filter((mark) => mark !== ''));
    expect(summarize(said(text)).replace(/```text[\s\S]*?\n```\n/g, '')).not.toMatch(/<(?:script|img|svg)/);
  });
});
