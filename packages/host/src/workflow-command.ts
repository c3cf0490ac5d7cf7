// SPDX-License-Identifier: Apache-2.0
// Workflow commands: how an action speaks to GitHub's runner on standard output.
import process from 'node:process';

export type CommandName = 'notice' | 'warning' | 'error' | 'group' | 'endgroup' | 'add-mask';

/**
 * Prints `::name key=value::message`, escaped as the runner reads it (actions/runner, ActionCommand.cs) and as @actions/core writes
 * it. That package is not used for it because it loads an HTTP client with a TLS stack at its import, for OIDC tokens alone: that
 * was half of the time from the start of an action to its inputs. A property without value is left out.
 */
export function issueCommand(name: CommandName, message = '', properties: Readonly<Record<string, string | undefined>> = {}): void {
  const pairs = Object.entries(properties).flatMap(([key, value]) => (value ? [`${key}=${escapeData(value).replaceAll(':', '%3A').replaceAll(',', '%2C')}`] : []));
  process.stdout.write(`::${name}${pairs.length > 0 ? ` ${pairs.join(',')}` : ''}::${escapeData(message)}\n`);
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
