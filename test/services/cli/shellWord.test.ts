import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { shellWord } from '../../../services/cli/shellWord.ts';

describe('a word of a command to be pasted', () => {
  it('stays one word, whatever is in it', () => {
    for (const text of ['./data', 'http://127.0.0.1:8545', '/a b/c', "it's $HOME `id`", '', '"*"', 'a\nb', '-n']) {
      const said = execFileSync('sh', ['-c', `printf %s ${shellWord(text)}x`], { encoding: 'utf8' });
      expect(said).to.equal(`${text}x`);
    }
    expect(shellWord('./data')).to.equal('./data');
  });
});
