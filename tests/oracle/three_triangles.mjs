// Reads a .glb with three.js's GLTFLoader and prints its triangles as JSON: for each corner the position in the world
// after morph targets, skins and instances, the texture coordinates of the base colour after KHR_texture_transform (v
// down), and the base colour of factor and vertex colour, linear.
import { readFileSync } from 'node:fs';
import * as THREE from 'three';
import { GLTFLoader } from 'three/examples/jsm/loaders/GLTFLoader.js';

globalThis.self = globalThis;
const bytes = readFileSync(process.argv[2]);
const loader = new GLTFLoader();
loader.register(() => ({ name: 'no_pictures', loadTexture: () => Promise.resolve(new THREE.Texture()) }));
const gltf = await loader.parseAsync(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength), '');
gltf.scene.updateMatrixWorld(true);
gltf.scene.traverse((object) => object.isSkinnedMesh && object.skeleton.update());
const rows = [];
gltf.scene.traverse((mesh) => {
  if (!mesh.isMesh) return;
  const { geometry, material } = mesh;
  const map = material.map;
  if (map) map.updateMatrix();
  const uv = map && geometry.getAttribute(map.channel === 0 ? 'uv' : `uv${map.channel}`);
  const color = geometry.getAttribute('color');
  const count = geometry.index ? geometry.index.count : geometry.getAttribute('position').count;
  for (let copy = 0; copy < (mesh.isInstancedMesh ? mesh.count : 1); copy++) {
    const world = mesh.matrixWorld.clone();
    if (mesh.isInstancedMesh) {
      const own = new THREE.Matrix4();
      mesh.getMatrixAt(copy, own);
      world.multiply(own);
    }
    for (let corner = 0; corner < count; corner++) {
      const i = geometry.index ? geometry.index.getX(corner) : corner;
      const p = mesh.getVertexPosition(i, new THREE.Vector3()).applyMatrix4(world);
      const t = uv ? new THREE.Vector2(uv.getX(i), uv.getY(i)).applyMatrix3(map.matrix) : new THREE.Vector2();
      const c = color ? [color.getX(i), color.getY(i), color.getZ(i)] : [1, 1, 1];
      rows.push([p.x, p.y, p.z, t.x, t.y, c[0] * material.color.r, c[1] * material.color.g, c[2] * material.color.b]);
    }
  }
});
console.log(JSON.stringify(rows));
