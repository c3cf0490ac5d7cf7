// SPDX-License-Identifier: Apache-2.0
// The JSON that goes with a mark of ACR's quarantine (Azure/acr docs/preview/quarantine/quarantine-details/schema.json): strict when written, lenient when read.
import { Failure, isJsonObject, type JsonObject } from '@pratique/core';

/** What a gate says of its mark. */
export interface QuarantineDetails {
  /** In one phrase: `released`, `refused`. */
  readonly state: string;
  /** Where more is told, for example the workflow run. */
  readonly link?: string;
  readonly result?: {
    readonly version: string;
    /** At most five. */
    readonly summary: readonly { readonly severity: 'Critical' | 'High' | 'Medium' | 'Low' | 'None'; readonly count: number }[];
    /** At most 1,024 characters. */
    readonly description?: string;
  };
}

/** The `scanner` of our marks. Whoever may mark can write it too: it says who to ask, and proves nothing. */
export const ourScanner = 'pratique';

const severities = ['Critical', 'High', 'Medium', 'Low', 'None'];
const mostRows = 5;
const longestDescription = 1024;

/** Details as the string that the call wants, with our scanner. Fails with `INTERNAL_DEFECT` when they do not keep to the schema. */
export function encodeDetails({ state, link, result }: QuarantineDetails): string {
  const problem = result && problemOf(result);
  if (problem) throw new Failure({ code: 'INTERNAL_DEFECT', message: `the quarantine details do not keep to their schema: ${problem}` });
  return JSON.stringify({ scanner: ourScanner, state, ...(link === undefined ? {} : { link }), ...(result === undefined ? {} : { result }) });
}

function problemOf({ version, summary, description = '' }: NonNullable<QuarantineDetails['result']>): string | undefined {
  if (version === '') return 'result.version is empty';
  if (summary.length > mostRows) return `result.summary has ${summary.length} rows`;
  if (description.length > longestDescription) return `result.description has ${description.length} characters`;
  const wrong = summary.find(({ severity, count }) => !severities.includes(severity) || !Number.isSafeInteger(count) || count < 0);
  return wrong && `"${wrong.severity}: ${wrong.count}" is no count of a severity`;
}

/** Details as somebody wrote them; `undefined` when they are no JSON object. */
export function decodeDetails(text: unknown): JsonObject | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Others write what they like there; it decides nothing.
    return undefined;
  }
}
