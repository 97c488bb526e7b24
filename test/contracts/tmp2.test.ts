import { createKit } from './support/anchorKit.ts';
import { readFileSync } from 'node:fs';
describe('prof', () => {
  it('x', async () => {
      const kit = await createKit({ size:4, periodSeconds: 2 });
      const a = kit.blockOn(undefined, { treeSize: 1n });
      await kit.mined(a);
      const b = kit.blockOn(a.header, { treeSize: 2n });
      const rb = await kit.mined(b);
      const c = kit.blockOn(b.header, { treeSize: 1000000n });
      await kit.mined(c);
      const d = kit.blockOn(c.header, { treeSize: 1000100n });
      console.log('first', (await kit.provider.getTransactionReceipt((await kit.provider.getBlock(3))!.transactions[0]!))!.gasUsed, 'second',rb.gasUsed, '1M', (await kit.mined(d)).gasUsed);
      const t = await kit.ethers.provider.send('debug_traceTransaction',[rb.hash,{disableStorage:true,disableMemory:true,disableStack:true}]);
      const art = JSON.parse(readFileSync('artifacts/contracts/BlockAnchor.sol/BlockAnchor.json','utf8'));
      const out = JSON.parse(readFileSync(`artifacts/build-info/${art.buildInfoId}.output.json`,'utf8')).output;
      const db = out.contracts['project/contracts/BlockAnchor.sol'].BlockAnchor.evm.deployedBytecode;
      const code = Buffer.from(db.object,'hex'); const pcIdx: number[]=[]; let k=0;
      for(let pc=0;pc<code.length;){ pcIdx[pc]=k++; const op=code[pc]!; pc+= op>=0x60&&op<=0x7f? op-0x5f+1:1; }
      const ents: string[]=[]; let prev=['0','0','0','-'];
      for(const e of db.sourceMap.split(';')){ const p=e.split(':'); prev=[0,1,2,3].map(i=>p[i]||prev[i]!); ents.push(prev.slice(0,3).join(':')); }
      const src: Record<number,string>={}; for(const [n,s] of Object.entries(out.sources) as any) src[s.id]=n;
      const text=(n:string)=>{try{return readFileSync(n.replace('project/',''),'utf8')}catch{return readFileSync('node_modules/'+n.replace(/^npm\/(@openzeppelin\/contracts)@[^/]*/,'$1'),'utf8')}};
      const by: Record<string,number>={}; let tot=0;
      const logs=t.structLogs;
      for(let i=0;i<logs.length;i++){ const l=logs[i]; if(l.depth!==1) continue; const nx=logs[i+1]; let cost = nx&&nx.depth===1? Number(l.gas)-Number(nx.gas): Number(l.gasCost);
        if(l.op==='STATICCALL' && nx.depth>1){ let j=i+1; while(logs[j].depth>1) j++; cost=Number(l.gas)-Number(logs[j].gas);} 
        const [s,len,f]=ents[pcIdx[l.pc]!]!.split(':').map(Number) as [number,number,number]; const n=src[f]; let key='gen';
        if(n){ const tx=text(n); key = n.split('/').pop()+':'+(tx.slice(0,s).split('\n').length)+' '+tx.slice(s,s+Math.min(len,50)).replace(/\s+/g,' ');} by[key]=(by[key]??0)+cost; tot+=cost; }
      { let line=''; for(const l of logs){ if(l.depth!==1) continue; line+=l.op+(['JUMPI','JUMP','SLOAD','SSTORE','KECCAK256','STATICCALL','LOG3'].includes(l.op)?'@'+l.pc+' '+l.gas+'\n':' ');} (await import('node:fs')).writeFileSync('/tmp/cw/trace.txt',line);}
 console.log(tot); for(const [k2,v] of Object.entries(by).sort((x,y)=>y[1]-x[1]).slice(0,45)) console.log(v,k2);
  });
});
