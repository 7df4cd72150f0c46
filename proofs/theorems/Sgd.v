(* Stochastic gradient descent with momentum, dampening, Nesterov's variant and L2 weight
   decay. The rule rescales the decay and leaves the rest as it is; without momentum, leaving
   the decay as it is fails. Whether another rule could rescale the momentum is not asked. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From LoraGauge Require Import model.Lora theorems.Trajectory.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

(* settings of one factor; rate and momentum may follow schedules, the others are constants *)
Record sgd_options (F : fieldType) := SgdOptions {
  rate : nat -> F; momentum : nat -> F; dampening : F; decay : F; nesterov : bool }.

Section OneFactor.
Variables (F : fieldType) (a b : nat) (h : sgd_options F).

(* one update of a parameter x with buffer v and gradient g, in PyTorch's order; the first
   step fills the buffer with the gradient as it is. Gives the new buffer and the new
   parameter. At momentum 0 PyTorch leaves the dampening out, and this does not: the two
   agree where the momentum is not 0 and where the dampening is 0. *)
Definition sgd_update (t : nat) (v x g : 'M[F]_(a, b)) : 'M[F]_(a, b) * 'M[F]_(a, b) :=
  let g := g + decay h *: x in
  let v := if t is 0 then g else momentum h t *: v + (1 - dampening h) *: g in
  let d := if nesterov h then g + momentum h t *: v else v in
  (v, x - rate h t *: d).
End OneFactor.

(* the settings that belong to the parameter scaled by p *)
Definition sgd_rescale (F : fieldType) (p : F) (h : sgd_options F) : sgd_options F :=
  SgdOptions (fun t => p ^+ 2 * rate h t) (momentum h) (dampening h) (p ^- 2 * decay h) (nesterov h).

Lemma sgd_update_rescale (F : fieldType) a b (p : F) h t (v x g : 'M[F]_(a, b)) : p != 0 ->
  sgd_update (sgd_rescale p h) t (p^-1 *: v) (p *: x) (p^-1 *: g)
  = (p^-1 *: (sgd_update h t v x g).1, p *: (sgd_update h t v x g).2).
Proof.
case: h => l mu d w nes p0; rewrite /sgd_update /=.
have -> : p^-1 *: g + (p ^- 2 * w) *: (p *: x) = p^-1 *: (g + w *: x).
  by rewrite scalerDr !scalerA; congr (_ + _ *: _); field.
set g' := g + w *: x.
have swap c (y : 'M[F]_(a, b)) : c *: (p^-1 *: y) = p^-1 *: (c *: y) by rewrite !scalerA mulrC.
rewrite !swap -scalerDr.
have -> : (if t is 0 then p^-1 *: g' else p^-1 *: (mu t *: v + (1 - d) *: g'))
        = p^-1 *: (if t is 0 then g' else mu t *: v + (1 - d) *: g') by case: t.
set v' := (if t is 0 then g' else _); congr (_, _); rewrite swap -scalerDr.
have -> : (if nes then p^-1 *: (g' + mu t *: v') else p^-1 *: v')
        = p^-1 *: (if nes then g' + mu t *: v' else v') by case: nes.
by rewrite scalerBr !scalerA; congr (_ - _ *: _); field.
Qed.

(* the update is a black box from here on: only its scaling matters *)
Local Opaque sgd_update.

Section Layer.
Variables (F : fieldType) (m n r : nat) (W0 : 'M[F]_(m, n)) (G : oracle F m n).

(* buffers and factors *)
Definition sgd_state : Type := (factors F m n r * factors F m n r)%type.

Definition sgd_step s (hA hB : sgd_options F) (t : nat) (z : sgd_state) : sgd_state :=
  let v := z.1 in let x := z.2 in
  let g := G t (weight W0 s x) in
  let a := sgd_update hA t v.1 x.1 (grad_A s x g) in
  let b := sgd_update hB t v.2 x.2 (grad_B s x g) in
  ((a.1, b.1), (a.2, b.2)).

Fixpoint sgd s hA hB (t : nat) (z : sgd_state) : sgd_state :=
  if t is t'.+1 then sgd_step s hA hB t' (sgd s hA hB t' z) else z.

Definition sgd_state_rescale p q (z : sgd_state) : sgd_state :=
  (rescale p^-1 q^-1 z.1, rescale p q z.2).

Section Rule.
Variables (s k p q : F) (hA hB : sgd_options F).
Hypothesis kpq : k * p * q = 1.

(* one step in the middle of a run, from any factors and any buffers: rates times p^2 and
   q^2, decay over p^2 and q^2, buffers over p and q; momentum, dampening and the Nesterov
   switch untouched *)
Theorem sgd_step_law t z :
  sgd_step (k * s) (sgd_rescale p hA) (sgd_rescale q hB) t (sgd_state_rescale p q z)
  = sgd_state_rescale p q (sgd_step s hA hB t z).
Proof.
rewrite /sgd_step /sgd_state_rescale /= (rescale_weight W0 s kpq) (grad_A_rescale s kpq) (grad_B_rescale s kpq).
by rewrite !sgd_update_rescale ?(scale_p_neq0 kpq) ?(scale_q_neq0 kpq).
Qed.

(* hence the whole run, buffers included *)
Theorem sgd_trajectory_law t z :
  sgd (k * s) (sgd_rescale p hA) (sgd_rescale q hB) t (sgd_state_rescale p q z)
  = sgd_state_rescale p q (sgd s hA hB t z).
Proof. by elim: t => //= t ->; apply: sgd_step_law. Qed.

Theorem sgd_weight_law t z :
  weight W0 (k * s) (sgd (k * s) (sgd_rescale p hA) (sgd_rescale q hB) t (sgd_state_rescale p q z)).2
  = weight W0 s (sgd s hA hB t z).2.
Proof. by rewrite sgd_trajectory_law rescale_weight. Qed.
End Rule.
End Layer.

Section Note.
Variables (F : fieldType) (m n r : nat) (W0 : 'M[F]_(m, n)) (G : oracle F m n) (s k c : F).
Hypotheses (c0 : c != 0) (c2 : c ^+ 2 = k).

(* the note's rule for this optimizer: alpha and decay times k, rate over k *)
Theorem sgd_note_no_op (l mu : nat -> F) (d w : F) (nes : bool) t (x : factors F m n r) :
  let before := SgdOptions l mu d w nes in
  let after := SgdOptions (fun t => k^-1 * l t) mu d (k * w) nes in
  weight W0 (k * s) (sgd W0 G (k * s) after after t ((0, 0), rescale c^-1 c^-1 x)).2
  = weight W0 s (sgd W0 G s before before t ((0, 0), x)).2.
Proof.
move=> before after; have kc : k * c^-1 * c^-1 = 1 by rewrite -c2; field.
rewrite -(sgd_weight_law W0 G s before before kc) /sgd_state_rescale /rescale /= !scaler0.
by rewrite /sgd_rescale /= exprVn c2 invrK.
Qed.
End Note.

Local Transparent sgd_update.
Section Decay.
Variables (F : fieldType) (m n r : nat) (s k c w : F).
Hypotheses (s0 : s != 0) (w0 : w != 0) (c0 : c != 0) (c2 : c ^+ 2 = k) (k1 : k != 1).

(* leaving the decay as it is breaks the rule, whatever its value but zero: already for one
   step without momentum on a constant loss, from some start at some rate *)
Theorem sgd_unchanged_decay_refuted :
  exists (l : F) (x : factors F m.+1 n.+1 r.+1),
  let before := SgdOptions (fun=> l) (fun=> 0) 0 w false in
  let after := SgdOptions (fun=> k^-1 * l) (fun=> 0) 0 w false in
  weight 0 (k * s) (sgd 0 (fun _ _ => 0) (k * s) after after 1 ((0, 0), rescale c^-1 c^-1 x)).2
  <> weight 0 s (sgd 0 (fun _ _ => 0) s before before 1 ((0, 0), x)).2.
Proof.
have k0 : k != 0 by rewrite -c2 expf_neq0.
exists w^-1, (delta_mx 0 0, delta_mx 0 0); rewrite /= /sgd_step /sgd_update /weight /grad_A /grad_B /=.
rewrite !mulmx0 !mul0mx !scaler0 !add0r !scalerA mulVf // scale1r !subrr mul0mx scaler0.
rewrite -[k^-1 / w * w]mulrA mulVf // mulr1 -!scalerBl -scalemxAl -scalemxAr mul_delta_mx !scalerA.
move=> /matrixP /(_ 0 0) /eqP; rewrite !mxE !eqxx mulr1.
have -> : c^-1 - k^-1 / c = (1 - k^-1) * c^-1 by ring.
rewrite !mulf_eq0 (negbTE k0) (negbTE s0) invr_eq0 (negbTE c0) !orbF orbb subr_eq0 eq_sym.
by rewrite invr_eq1 (negbTE k1).
Qed.
End Decay.
