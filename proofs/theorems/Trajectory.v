(* Sufficiency: which changes of alpha, rates and initial factors leave a whole training
   run where it was. Everything follows from one law for linear maps on the rank. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From LoraGauge Require Import model.Lora.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Section Linear.
Variables (F : fieldType) (m n r : nat).
Variables (W0 : 'M[F]_(m, n)) (G : oracle F m n) (s : F) (etaA etaB : nat -> F).
Implicit Types (x : factors F m n r).
Variables (k cA cB : F) (P Q : 'M[F]_r).
Hypotheses (QP1 : k *: (Q *m P) = 1%:M).
Hypotheses (PE : (k * cA) *: Q^T = P) (QE : (k * cB) *: P^T = Q).

Lemma mix_weight x : weight W0 (k * s) (mix P Q x) = weight W0 s x.
Proof.
rewrite /weight /mix /= -mulmxA [Q *m _]mulmxA mulrC -scalerA.
rewrite [k *: (_ *m _)]scalemxAr [k *: (_ *m _)]scalemxAl QP1.
by rewrite mul1mx.
Qed.

Lemma mix_step t x :
  gd_step W0 G (k * s) (fun t => cA * etaA t) (fun t => cB * etaB t) t (mix P Q x)
  = mix P Q (gd_step W0 G s etaA etaB t x).
Proof.
rewrite /gd_step mix_weight; set g := G t _; rewrite /mix /grad_A /grad_B /=; congr (_, _).
- rewrite mulmxBr; congr (_ - _); rewrite -PE trmx_mul -mulmxA -!scalemxAr -scalemxAl !scalerA.
  by congr (_ *: _); ring.
- rewrite mulmxBl; congr (_ - _); rewrite -QE trmx_mul mulmxA -!scalemxAr -!scalemxAl !scalerA.
  by congr (_ *: _); ring.
Qed.

(* the law behind all others: A -> P A, B -> B Q, s -> k s, rates times cA and cB *)
Theorem linear_law t x :
  gd W0 G (k * s) (fun t => cA * etaA t) (fun t => cB * etaB t) t (mix P Q x)
  = mix P Q (gd W0 G s etaA etaB t x).
Proof. by elim: t => //= t ->; rewrite mix_step. Qed.
End Linear.

Section Scales.
Variables (F : fieldType) (m n r : nat).
Variables (W0 : 'M[F]_(m, n)) (G : oracle F m n) (s : F) (etaA etaB : nat -> F).
Implicit Types (x : factors F m n r).
Variables (k p q : F).
Hypothesis kpq : k * p * q = 1.

Lemma scale_p_neq0 : p != 0.
Proof. by apply: contra_eq_neq kpq => ->; rewrite mulr0 mul0r eq_sym oner_neq0. Qed.
Lemma scale_q_neq0 : q != 0.
Proof. by apply: contra_eq_neq kpq => ->; rewrite mulr0 eq_sym oner_neq0. Qed.

(* the gradients scale against their factors *)
Lemma grad_A_rescale x g : grad_A (k * s) (rescale p q x) g = p^-1 *: grad_A s x g.
Proof.
rewrite /grad_A /= [(_ *: _)^T]linearZ /= -scalemxAl !scalerA; congr (_ *: _).
by apply: (mulfI scale_p_neq0); rewrite mulVKf ?scale_p_neq0 // -[RHS]mul1r -kpq; ring.
Qed.
Lemma grad_B_rescale x g : grad_B (k * s) (rescale p q x) g = q^-1 *: grad_B s x g.
Proof.
rewrite /grad_B /= [(_ *: _)^T]linearZ /= -scalemxAr !scalerA; congr (_ *: _).
by apply: (mulfI scale_q_neq0); rewrite mulVKf ?scale_q_neq0 // -[RHS]mul1r -kpq; ring.
Qed.

(* A -> p A, B -> q B, s -> s / (p q), rates times p^2 and q^2 *)
Theorem trajectory_law t x :
  gd W0 G (k * s) (fun t => p ^+ 2 * etaA t) (fun t => q ^+ 2 * etaB t) t (rescale p q x)
  = rescale p q (gd W0 G s etaA etaB t x).
Proof.
rewrite !rescale_mix; apply: linear_law; rewrite ?tr_scalar_mx -?scalar_mxM !scale_scalar_mx.
- by rewrite [q * p]mulrC mulrA kpq.
- by congr _%:M; rewrite -[RHS]mul1r -kpq; ring.
- by congr _%:M; rewrite -[RHS]mul1r -kpq; ring.
Qed.

Lemma rescale_weight x : weight W0 (k * s) (rescale p q x) = weight W0 s x.
Proof.
rewrite /weight /= -scalemxAl -scalemxAr !scalerA; congr (_ + _ *: _).
by rewrite -[RHS]mul1r -kpq; ring.
Qed.

(* hence the function of the layer, and so every loss, is the same at every step *)
Theorem weight_law t x :
  weight W0 (k * s)
    (gd W0 G (k * s) (fun t => p ^+ 2 * etaA t) (fun t => q ^+ 2 * etaB t) t (rescale p q x))
  = weight W0 s (gd W0 G s etaA etaB t x).
Proof. by rewrite trajectory_law rescale_weight. Qed.

(* an orthogonal mixing O of the ranks is free on top of the two scales *)
Theorem rank_mixing_law (O : 'M[F]_r) t x : O^T *m O = 1%:M ->
  gd W0 G (k * s) (fun t => p ^+ 2 * etaA t) (fun t => q ^+ 2 * etaB t) t
     (mix (p *: O) (q *: O^T) x)
  = mix (p *: O) (q *: O^T) (gd W0 G s etaA etaB t x).
Proof.
move=> OO; apply: linear_law.
- by rewrite -scalemxAl -scalemxAr OO !scalerA -[RHS]scale1r -kpq; congr (_ *: _); ring.
- rewrite linearZ /= trmxK scalerA; congr (_ *: _).
  by rewrite -[RHS]mul1r -kpq; ring.
- rewrite linearZ /= scalerA; congr (_ *: _).
  by rewrite -[RHS]mul1r -kpq; ring.
Qed.

(* from B = 0 nobody can see whether B was scaled: scaling A alone is enough *)
Theorem zero_start_law t (A : 'M[F]_(r, n)) :
  gd W0 G (k * s) (fun t => p ^+ 2 * etaA t) (fun t => q ^+ 2 * etaB t) t (p *: A, 0)
  = rescale p q (gd W0 G s etaA etaB t (A, 0)).
Proof. by rewrite -trajectory_law /rescale /= scaler0. Qed.
End Scales.

Section Note.
Variables (F : fieldType) (m n r : nat).
Variables (W0 : 'M[F]_(m, n)) (G : oracle F m n) (s : F) (eta : nat -> F).
Implicit Types (x : factors F m n r).
(* c plays the square root of k, so that no field needs to have roots *)
Variables (k c : F).
Hypotheses (c0 : c != 0) (c2 : c ^+ 2 = k).

Let kc : k * c^-1 * c^-1 = 1.
Proof. by rewrite -c2; field. Qed.
Let rateE t : c^-1 ^+ 2 * eta t = eta t / k.
Proof. by rewrite -c2 exprVn mulrC. Qed.

(* alpha times k, one rate divided by k, initial factors divided by the root of k: the
   factors stay divided by that root and the function is untouched, at every step *)
Theorem note_no_op t x :
  let before := gd W0 G s eta eta t x in
  let after := gd W0 G (k * s) (fun t => eta t / k) (fun t => eta t / k) t
                 (rescale c^-1 c^-1 x) in
  after = rescale c^-1 c^-1 before /\ weight W0 (k * s) after = weight W0 s before.
Proof.
move=> before after; have -> : after = rescale c^-1 c^-1 before.
  rewrite -(trajectory_law W0 G s eta eta kc).
  by apply: eq_gd => u; rewrite rateE.
by rewrite rescale_weight.
Qed.

(* a loss is any function of the weight *)
Theorem note_same_loss (T : Type) (loss : nat -> 'M[F]_(m, n) -> T) t x :
  loss t (weight W0 (k * s) (gd W0 G (k * s) (fun t => eta t / k) (fun t => eta t / k) t
                              (rescale c^-1 c^-1 x)))
  = loss t (weight W0 s (gd W0 G s eta eta t x)).
Proof. by have [_ ->] := note_no_op t x. Qed.

(* the same read from the other side: alpha times k does what a rate times k and initial
   factors times the root of k do together *)
Theorem tldr_equivalence t x :
  weight W0 (k * s) (gd W0 G (k * s) eta eta t x)
  = weight W0 s (gd W0 G s (fun t => k * eta t) (fun t => k * eta t) t (rescale c c x)).
Proof.
have k0 : k != 0 by rewrite -c2 expf_neq0.
have e u : k * eta u = c ^+ 2 * eta u by rewrite c2.
have c1 : k^-1 * c * c = 1 by rewrite -mulrA -expr2 c2 mulVf.
rewrite -(weight_law W0 G (k * s) eta eta c1) mulKf //.
by congr weight; apply: eq_gd => u; rewrite e.
Qed.

(* with B = 0 at the start, dividing A alone does it *)
Theorem note_zero_start t (A : 'M[F]_(r, n)) :
  weight W0 (k * s)
    (gd W0 G (k * s) (fun t => eta t / k) (fun t => eta t / k) t (c^-1 *: A, 0))
  = weight W0 s (gd W0 G s eta eta t (A, 0)).
Proof. by have [_ <-] := note_no_op t (A, 0); rewrite /rescale /= scaler0. Qed.

(* a negative k: the sign moves to one factor, the rate is divided by |k| = -k *)
Theorem negative_alpha_no_op t x :
  let before := gd W0 G s eta eta t x in
  let after := gd W0 G (- k * s) (fun t => eta t / k) (fun t => eta t / k) t
                 (rescale c^-1 (- c^-1) x) in
  after = rescale c^-1 (- c^-1) before /\ weight W0 (- k * s) after = weight W0 s before.
Proof.
have kc' : - k * c^-1 * - c^-1 = 1 by rewrite -kc; ring.
move=> before after; have -> : after = rescale c^-1 (- c^-1) before.
  rewrite -(trajectory_law W0 G s eta eta kc').
  by apply: eq_gd => u; rewrite ?sqrrN rateE.
by rewrite rescale_weight.
Qed.
End Note.

Section Variables_change.
Variables (F : fieldType) (m n r : nat).

(* AB = k UV in the note's order of factors *)
Theorem change_of_variables (k p q : F) (x : factors F m n r) : k * p * q = 1 ->
  let y := rescale p q x in x.2 *m x.1 = k *: (y.2 *m y.1).
Proof.
move=> kpq; rewrite /= -scalemxAl -scalemxAr !scalerA -[k * _ * _]mulrAC kpq.
by rewrite scale1r.
Qed.

(* for any factors at all, equal products up to k are equal functions *)
Theorem equal_product_equal_function (W0 : 'M[F]_(m, n)) (s k : F) (x y : factors F m n r) :
  s != 0 -> (weight W0 (k * s) y = weight W0 s x <-> x.2 *m x.1 = k *: (y.2 *m y.1)).
Proof.
move=> s0; rewrite /weight mulrC -scalerA; split=> [/addrI /(scalerI s0) //|-> //].
Qed.
End Variables_change.

Section AlongReals.
Variable (R : rcfType).

(* alpha is redundant: one number c, the root of s / s', turns every run at the scale s into
   a run at s', whatever the sizes, the frozen weight, the gradients, the rates, the number
   of steps and the start *)
Theorem alpha_redundant (s s' : R) : 0 < s -> 0 < s' ->
  exists c : R, [/\ 0 < c, c ^+ 2 = s / s' &
  forall m n r (W0 : 'M[R]_(m, n)) (G : oracle R m n) (eta : nat -> R) t (x : factors R m n r),
  weight W0 s' (gd W0 G s' (fun t => c ^+ 2 * eta t) (fun t => c ^+ 2 * eta t) t (rescale c c x))
  = weight W0 s (gd W0 G s eta eta t x)].
Proof.
move=> s0 s'0; have ss0 : 0 < s / s' by rewrite divr_gt0.
exists (Num.sqrt (s / s')); set c := Num.sqrt _.
have c2 : c ^+ 2 = s / s' by rewrite sqr_sqrtr // ltW.
split=> // [|m n r W0 G eta t x]; first by rewrite sqrtr_gt0.
have e : s' / s * c * c = 1.
  by rewrite -mulrA -expr2 c2 mulrA divfK ?lt0r_neq0 // divff ?lt0r_neq0.
by rewrite -(weight_law W0 G s eta eta e) divfK ?lt0r_neq0.
Qed.
End AlongReals.
