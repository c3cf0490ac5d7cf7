// SPDX-License-Identifier: Apache-2.0
// `${{ }}` in strings and in whole structures, evaluated by GitHub's own engine.
import { Failure } from '@pratique/core';
import { workflowLibraries } from './libraries.ts';

/** What expressions can see: context name -> plain JSON. */
export type ExpressionContexts = Readonly<Record<string, unknown>>;

/** State for success(), failure(), always(), cancelled(). */
export interface Status {
  readonly failed: boolean;
  readonly cancelled: boolean;
}

const statusFunctions = ['success', 'failure', 'always', 'cancelled'] as const;

/** Evaluates one expression (without the braces) to plain JSON. Fails with `LAB_WORKFLOW_INVALID`. */
export async function evaluateExpression(text: string, contexts: ExpressionContexts, status: Status): Promise<unknown> {
  const { expressions } = await workflowLibraries();
  const { data, Evaluator, Lexer, Parser } = expressions;
  const results = { success: !status.failed && !status.cancelled, failure: status.failed, always: true, cancelled: status.cancelled };
  const functions = statusFunctions.map((name) => ({ name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(results[name]) }));
  try {
    const tree = new Parser(new Lexer(text).lex().tokens, Object.keys(contexts), functions).parse();
    const dictionary: unknown = JSON.parse(JSON.stringify(contexts), data.reviver);
    if (!(dictionary instanceof data.Dictionary)) return undefined;
    const value = new Evaluator(tree, dictionary, new Map(functions.map((one) => [one.name, one]))).evaluate();
    return JSON.parse(JSON.stringify(value, data.replacer)) as unknown;
  } catch (cause) {
    throw new Failure({ code: 'LAB_WORKFLOW_INVALID', message: `the expression "${text}" cannot be evaluated`, cause });
  }
}

/** Replaces each `${{ }}` in every string of `value`. A string that is one expression keeps the type of its value. */
export async function expand(value: unknown, contexts: ExpressionContexts, status: Status = { failed: false, cancelled: false }): Promise<unknown> {
  if (typeof value === 'string') return expandString(value, contexts, status);
  if (Array.isArray(value)) return Promise.all(value.map((item) => expand(item, contexts, status)));
  if (value === null || typeof value !== 'object') return value;
  const entries = await Promise.all(Object.entries(value).map(async ([key, item]) => [key, await expand(item, contexts, status)] as const));
  return Object.fromEntries(entries);
}

async function expandString(text: string, contexts: ExpressionContexts, status: Status): Promise<unknown> {
  const whole = /^\$\{\{((?:(?!\}\}).)*)\}\}$/s.exec(text);
  if (whole) return evaluateExpression((whole[1] ?? '').trim(), contexts, status);
  const parts = text.split(/\$\{\{(.*?)\}\}/s);
  const expanded = await Promise.all(parts.map(async (part, index) => (index % 2 === 0 ? part : asText(await evaluateExpression(part.trim(), contexts, status)))));
  return expanded.join('');
}

/** A value as GitHub writes it into a string: null is empty, objects are JSON. */
export function asText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Evaluates an `if`: absent means success(), and success() is implied where no status function is called. */
export async function evaluateCondition(condition: string | boolean | undefined, contexts: ExpressionContexts, status: Status): Promise<boolean> {
  const bare = condition === undefined || condition === '' ? 'success()' : String(condition).replace(/^\$\{\{(.*)\}\}$/s, '$1').trim();
  const text = /\b(?:success|failure|always|cancelled)\s*\(/.test(bare) ? bare : `success() && (${bare})`;
  const value = await evaluateExpression(text, contexts, status);
  return value !== false && value !== null && value !== 0 && value !== '';
}
