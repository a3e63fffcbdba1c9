/** A host that is asked the same thing once. */
import { expect, it } from 'vitest';
import { remembering } from '../../../src/doctor/remember.ts';
import { contextOf, LINKS } from './kit.ts';

it('a thousand tunnels with one peer and one address ask the kernel once', () => {
  const asked: string[] = [];
  const ask = <T>(name: string, answer: T) => {
    return (...what: string[]): T => {
      asked.push([name, ...what].join(' '));
      return answer;
    };
  };
  const { host } = contextOf({
    host: { linkTo: ask('linkTo', 2), links: ask('links', LINKS), linkOf: ask('linkOf', 'eth0') },
  });
  const once = remembering(host);
  for (let i = 0; i < 1000; i++) {
    expect(once.linkTo('1.1.1.1', '2.2.2.2')).toBe(2);
    expect(once.links()).toBe(LINKS);
    expect(once.linkOf('1.1.1.1')).toBe('eth0');
  }
  once.linkTo('1.1.1.1', '3.3.3.3');
  expect(asked).toEqual(['linkTo 1.1.1.1 2.2.2.2', 'links', 'linkOf 1.1.1.1', 'linkTo 1.1.1.1 3.3.3.3']);
});
