// SPDX-License-Identifier: Apache-2.0
// One vulnerability that a report names twice: the worse rating stands, whatever the order.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isJsonObject } from '@pratique/core';
import { parseReport } from './report.ts';

interface Report {
  Results: { Vulnerabilities?: Record<string, unknown>[] }[];
}

const read = (): Report => JSON.parse(readFileSync(new URL('../../../test/fixtures/reports/trivy-arm64.json', import.meta.url), 'utf8')) as Report;

describe.each([['before', -1], ['after', 1]])('a milder double without a fix %s the finding', (_, side) => {
  test('changes nothing', () => {
    const report = read();
    const result = report.Results.find(({ Vulnerabilities = [] }) => Vulnerabilities.some(isJsonObject));
    const [first] = result?.Vulnerabilities ?? [];
    if (result?.Vulnerabilities === undefined || first === undefined) throw new Error('the fixture has no finding');
    const { FixedVersion: _fixed, ...double } = { ...first, Severity: 'LOW' } as Record<string, unknown>;
    result.Vulnerabilities = side < 0 ? [double, ...result.Vulnerabilities] : [...result.Vulnerabilities, double];
    const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
    expect(parseReport(bytes(report)).findings).toEqual(parseReport(bytes(read())).findings);
  });
});
