import { expect, test } from 'vitest';
import { committedPage, configPage } from './config-page.ts';

test('docs/config.md is what the settings say', () => {
  expect(committedPage()).toBe(configPage());
});
