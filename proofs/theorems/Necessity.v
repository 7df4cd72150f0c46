(* Uniqueness: the rules found in Trajectory.v are the only ones of their form. Each is
   stated twice: asked to keep every run of every loss, and asked only of linear losses
   without a frozen weight, at the rate 1 and for one step. Even the latter leaves no other
   choice, at any size. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From LoraGauge Require Import model.Lora theorems.Trajectory.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Section Rules.
Variables (F : fieldType) (m n r : nat).

(* the map f of the factors, scale times k, rates times cA and cB, keeps W at every step,
   whatever the start, the frozen weight, the gradients and the two schedules *)
Definition no_op (s k : F) (f : factors F m n r -> factors F m n r) (cA cB : F) :=
  forall W0 (G : oracle F m n) etaA etaB t x,
  weight W0 (k * s) (gd W0 G (k * s) (fun t => cA * etaA t) (fun t => cB * etaB t) t (f x))
  = weight W0 s (gd W0 G s etaA etaB t x).

(* the same asked of one rate for both factors *)
Definition no_op_shared (s k : F) (f : factors F m n r -> factors F m n r) (c : F) :=
  forall W0 (G : oracle F m n) eta t x,
  weight W0 (k * s) (gd W0 G (k * s) (fun t => c * eta t) (fun t => c * eta t) t (f x))
  = weight W0 s (gd W0 G s eta eta t x).

(* the little that is used of either: from every start, for every linear loss (its gradient
   g is constant), without a frozen weight, at the rate 1, the start and one step *)
Definition linear_loss_no_op (s k : F) (f : factors F m n r -> factors F m n r) (cA cB : F) :=
  forall g t x, (t <= 1)%N ->
  weight 0 (k * s) (gd 0 (fun _ _ => g) (k * s) (fun=> cA) (fun=> cB) t (f x))
  = weight 0 s (gd 0 (fun _ _ => g) s (fun=> 1) (fun=> 1) t x).

Lemma no_op_linear_loss s k f cA cB : no_op s k f cA cB -> linear_loss_no_op s k f cA cB.
Proof.
move=> H g t x _; rewrite -(H 0 (fun _ _ => g) (fun=> 1) (fun=> 1) t x).
by congr weight; apply: eq_gd => u; rewrite mulr1.
Qed.

Lemma no_op_shared_linear_loss s k f c : no_op_shared s k f c -> linear_loss_no_op s k f c c.
Proof.
move=> H g t x _; rewrite -(H 0 (fun _ _ => g) (fun=> 1) t x).
by congr weight; apply: eq_gd => u; rewrite mulr1.
Qed.

Lemma no_op_is_shared s k f c : no_op s k f c c -> no_op_shared s k f c.
Proof. by move=> H W0 G eta t x; apply: H. Qed.
End Rules.
(* the sizes are written out, so that a statement shows which of them may be zero *)
Arguments no_op {F} m n r s k f cA cB.
Arguments no_op_shared {F} m n r s k f c.
Arguments linear_loss_no_op {F} m n r s k f cA cB.

(* reading entries off by products with unit matrices *)
Section Entries.
Variable (F : fieldType).

Lemma unit_left a b c (M : 'M[F]_(b, c)) (i0 : 'I_a) i j :
  (delta_mx i0 i *m M) i0 j = M i j.
Proof.
rewrite mxE (bigD1 i) //= big1 ?mxE ?eqxx ?mul1r ?addr0 // => l /negbTE li.
by rewrite mxE li andbF mul0r.
Qed.
Lemma unit_right a b c (M : 'M[F]_(a, b)) i j (j0 : 'I_c) :
  (M *m delta_mx j j0) i j0 = M i j.
Proof.
rewrite mxE (bigD1 j) //= big1 ?mxE ?eqxx ?mulr1 ?addr0 // => l /negbTE lj.
by rewrite mxE lj mulr0.
Qed.

Lemma entryD a b (M N : 'M[F]_(a, b)) i j : (M + N) i j = M i j + N i j.
Proof. by rewrite mxE. Qed.
Lemma entryB a b (M N : 'M[F]_(a, b)) i j : (M - N) i j = M i j - N i j.
Proof. by rewrite !mxE. Qed.
Lemma entryZ a b c (M : 'M[F]_(a, b)) i j : (c *: M) i j = c * M i j.
Proof. by rewrite mxE. Qed.

(* a symmetric form that vanishes on every vector vanishes, away from characteristic 2 *)
Lemma form_eq0 a r (N : 'M[F]_r) : 2%:R != 0 :> F -> N^T = N ->
  (forall B : 'M_(a.+1, r), (B *m N *m B^T) 0 0 = 0) -> N = 0.
Proof.
move=> two sym H; apply/matrixP => i j; rewrite [RHS]mxE.
have E u v : ((delta_mx 0 u : 'M_(a.+1, r)) *m N *m (delta_mx 0 v : 'M_(a.+1, r))^T) 0 0 = N u v.
  by rewrite trmx_delta unit_right unit_left.
have := H (delta_mx 0 i + delta_mx 0 j).
rewrite [(_ + _)^T]linearD /= !(mulmxDl, mulmxDr, entryD) !E.
have -> : N i i = 0 by rewrite -E H.
have -> : N j j = 0 by rewrite -E H.
have -> : N j i = N i j by rewrite -{1}sym mxE.
rewrite add0r addr0 -mulr2n -mulr_natl => /eqP.
by rewrite mulf_eq0 (negbTE two) => /eqP.
Qed.
End Entries.

(* what one step tells about a linear map on the rank *)
Section OneStep.
Variables (F : fieldType) (m n r : nat) (s k : F) (P Q : 'M[F]_r) (cA cB : F).
Hypotheses (s0 : s != 0) (H : linear_loss_no_op m.+1 n.+1 r s k (mix P Q) cA cB).

Lemma survives_start : k *: (Q *m P) = 1%:M.
Proof.
apply/matrixP => i j.
have := H 0 (delta_mx j 0, delta_mx 0 i) (leq0n 1).
rewrite /weight /mix /= !add0r mulrC -scalerA => /(scalerI s0) /matrixP /(_ 0 0).
rewrite entryZ !mulmxA !unit_right -mulmxA unit_left => e.
by rewrite entryZ e !mxE eqxx /= eq_sym.
Qed.

Let s2 : s ^+ 2 != 0. Proof. by rewrite expf_neq0. Qed.

Lemma survives_B (B : 'M[F]_(m.+1, r)) :
  (B *m (k ^+ 2 * cA *: (Q *m Q^T)) *m B^T) 0 0 = (B *m B^T) 0 0.
Proof.
have := H (delta_mx 0 0) (0, B) (leqnn 1).
rewrite /weight /mix /= /gd_step /grad_A /grad_B /= mulmx0 trmx0 !mulmx0 !scaler0 !subr0 !add0r.
rewrite trmx_mul !mulmxN -!scalemxAr !scalerN !scalerA => /oppr_inj e.
have {e} : s ^+ 2 *: (k ^+ 2 * cA *: (B *m Q *m (Q^T *m B^T *m delta_mx 0 0)))
    = s ^+ 2 *: (B *m (B^T *m delta_mx 0 0)) :> 'M_(m.+1, n.+1).
  have -> : s ^+ 2 = s * (1 * s) by ring.
  by rewrite -e scalerA; congr (_ *: _); ring.
move/(scalerI s2) => /matrixP /(_ 0 0).
rewrite !mulmxA unit_right => e.
by rewrite -scalemxAl entryZ; move: e; rewrite entryZ unit_right.
Qed.

Lemma survives_A (A : 'M[F]_(r, n.+1)) :
  (A^T *m (k ^+ 2 * cB *: (P^T *m P)) *m A) 0 0 = (A^T *m A) 0 0.
Proof.
have := H (delta_mx 0 0) (A, 0) (leqnn 1).
rewrite /weight /mix /= /gd_step /grad_A /grad_B /= mul0mx trmx0 !mul0mx !scaler0 !subr0 !add0r.
rewrite trmx_mul !mulNmx -!scalemxAl !scalerN !scalerA => /oppr_inj e.
have {e} : s ^+ 2 *: (k ^+ 2 * cB *: (delta_mx 0 0 *m (A^T *m P^T) *m (P *m A)))
    = s ^+ 2 *: (delta_mx 0 0 *m A^T *m A) :> 'M_(m.+1, n.+1).
  have -> : s ^+ 2 = s * 1 * s by ring.
  by rewrite -e scalerA; congr (_ *: _); ring.
move/(scalerI s2) => /matrixP /(_ 0 0).
rewrite -!mulmxA unit_left => e.
by rewrite -scalemxAl -scalemxAr entryZ -!mulmxA; move: e; rewrite entryZ unit_left.
Qed.
End OneStep.

Section Linear.
Variables (F : fieldType) (m n r : nat) (s k : F) (P Q : 'M[F]_r) (cA cB : F).
Hypotheses (s0 : s != 0) (two : 2%:R != 0 :> F).

Definition linear_conditions := [/\ k *: (Q *m P) = 1%:M,
  k ^+ 2 * cA *: (Q *m Q^T) = 1%:M & k ^+ 2 * cB *: (P^T *m P) = 1%:M].

Lemma survives_linear : linear_loss_no_op m.+1 n.+1 r s k (mix P Q) cA cB -> linear_conditions.
Proof.
move=> H; split; first exact: survives_start H.
- apply/eqP; rewrite -subr_eq0; apply/eqP; apply: (@form_eq0 F m) => // [|B].
    by rewrite linearB linearZ /= trmx_mul trmxK trmx1.
  by rewrite mulmxBr mulmxBl mulmx1 entryB (survives_B s0 H) subrr.
- apply/eqP; rewrite -subr_eq0; apply/eqP; apply: (@form_eq0 F n) => // [|A].
    by rewrite linearB linearZ /= trmx_mul trmxK trmx1.
  have := survives_A s0 H A^T; rewrite !trmxK => e.
  by rewrite mulmxBr mulmxBl mulmx1 entryB e subrr.
Qed.

Lemma linear_conditions_maps : linear_conditions ->
  (k * cA) *: Q^T = P /\ (k * cB) *: P^T = Q.
Proof.
move=> [QP QQ PP]; have PQ : k *: (P *m Q) = 1%:M.
  by rewrite scalemxAr; apply: mulmx1C; rewrite -scalemxAl.
split.
- rewrite -[RHS]mulmx1 -QQ -scalemxAr mulmxA.
  have -> : k ^+ 2 * cA *: (P *m Q *m Q^T) = (k * cA) *: (k *: (P *m Q) *m Q^T).
    by rewrite -scalemxAl scalerA; congr (_ *: _); ring.
  by rewrite PQ mul1mx.
- rewrite -[RHS]mul1mx -PP -scalemxAl -mulmxA.
  have -> : k ^+ 2 * cB *: (P^T *m (P *m Q)) = (k * cB) *: (P^T *m (k *: (P *m Q))).
    by rewrite -scalemxAr scalerA; congr (_ *: _); ring.
  by rewrite PQ mulmx1.
Qed.

(* all linear rules U = P A, V = B Q with two rates; linear losses leave no other *)
Theorem linear_rule_iff :
  (no_op m.+1 n.+1 r s k (mix P Q) cA cB <-> linear_conditions) /\
  (linear_loss_no_op m.+1 n.+1 r s k (mix P Q) cA cB <-> linear_conditions).
Proof.
suff suffices : linear_conditions -> no_op m.+1 n.+1 r s k (mix P Q) cA cB.
  split; split=> [|/suffices //]; first by move/no_op_linear_loss; exact: survives_linear.
    exact: survives_linear.
  by move/no_op_linear_loss.
move=> C.
have [PE QE] := linear_conditions_maps C; have [QP _ _] := C.
by move=> W0 G etaA etaB t x; rewrite (linear_law _ _ _ _ _ QP PE QE) mix_weight.
Qed.
End Linear.

Section Scales.
Variables (F : fieldType) (m n r : nat) (s k p q : F).
Hypothesis (s0 : s != 0).
Notation no_op := (no_op m.+1 n.+1 r.+1 s k (rescale p q)).
Notation no_op_shared := (no_op_shared m.+1 n.+1 r.+1 s k (rescale p q)).
Notation linear_loss_no_op := (linear_loss_no_op m.+1 n.+1 r.+1 s k).

Lemma survives_scales cA cB : linear_loss_no_op (rescale p q) cA cB ->
  [/\ k * p * q = 1, cA = p ^+ 2 & cB = q ^+ 2].
Proof.
move=> H0; have H : linear_loss_no_op (mix p%:M q%:M) cA cB.
  by move=> g t x /(H0 g _ x) <-; rewrite rescale_mix.
have kpq : k * p * q = 1.
  have /matrixP /(_ 0 0) := survives_start s0 H.
  by rewrite -scalar_mxM scale_scalar_mx !mxE eqxx !mulr1n [q * p]mulrC mulrA.
have kpq2 : k ^+ 2 * p ^+ 2 * q ^+ 2 = 1 by rewrite -!exprMn kpq expr1n.
have unit_form a : ((delta_mx 0 0 : 'M[F]_(a.+1, r.+1)) *m (delta_mx 0 0)^T) 0 0 = 1.
  by rewrite trmx_delta unit_right mxE !eqxx.
split=> //.
- have := survives_B s0 H (delta_mx 0 0); rewrite tr_scalar_mx -scalar_mxM scale_scalar_mx.
  rewrite mul_mx_scalar -scalemxAl entryZ !unit_form mulr1 -expr2 => e.
  transitivity (k ^+ 2 * p ^+ 2 * q ^+ 2 * cA); first by rewrite kpq2 mul1r.
  by transitivity (k ^+ 2 * cA * q ^+ 2 * p ^+ 2); [ring | rewrite e mul1r].
- have := survives_A s0 H (delta_mx 0 0)^T; rewrite trmxK tr_scalar_mx -scalar_mxM scale_scalar_mx.
  rewrite mul_mx_scalar -scalemxAl entryZ !unit_form mulr1 -expr2 => e.
  transitivity (k ^+ 2 * p ^+ 2 * q ^+ 2 * cB); first by rewrite kpq2 mul1r.
  by transitivity (k ^+ 2 * cB * p ^+ 2 * q ^+ 2); [ring | rewrite e mul1r].
Qed.

(* all rules that scale A and B, with two rates; linear losses leave no other *)
Theorem scale_rule_iff cA cB :
  (no_op cA cB <-> [/\ k * p * q = 1, cA = p ^+ 2 & cB = q ^+ 2]) /\
  (linear_loss_no_op (rescale p q) cA cB <-> [/\ k * p * q = 1, cA = p ^+ 2 & cB = q ^+ 2]).
Proof.
suff suffices : [/\ k * p * q = 1, cA = p ^+ 2 & cB = q ^+ 2] -> no_op cA cB.
  split; split=> [|/suffices //]; first by move/no_op_linear_loss/survives_scales.
    exact: survives_scales.
  by move/no_op_linear_loss.
by case=> kpq -> -> W0 G etaA etaB t x; apply: weight_law.
Qed.

Lemma scale_rule_shared c :
  no_op_shared c <-> [/\ k * p * q = 1, c = p ^+ 2 & c = q ^+ 2].
Proof.
split=> [/no_op_shared_linear_loss /survives_scales //|C].
by apply: no_op_is_shared; apply/(proj1 (scale_rule_iff c c)).
Qed.

(* for whatever a rule with one rate comes to, linear losses ask as much as all losses do *)
Lemma shared_linear_loss c : no_op_shared c <-> linear_loss_no_op (rescale p q) c c.
Proof.
split=> [/no_op_shared_linear_loss //|H].
by apply: no_op_is_shared; apply/(proj1 (scale_rule_iff c c)); apply: survives_scales.
Qed.

(* one rate for both factors is enough exactly when both are scaled alike up to sign *)
Theorem shared_rate_suffices_iff : k * p * q = 1 ->
  ((exists c, no_op_shared c) <-> p ^+ 2 = q ^+ 2) /\
  ((exists c, linear_loss_no_op (rescale p q) c c) <-> p ^+ 2 = q ^+ 2).
Proof.
move=> kpq; split; split=> [[c]|pq].
- by move=> /scale_rule_shared [_ <- <-].
- by exists (p ^+ 2); apply/scale_rule_shared.
- by move=> /shared_linear_loss /scale_rule_shared [_ <- <-].
- by exists (p ^+ 2); apply/shared_linear_loss/scale_rule_shared.
Qed.
End Scales.

Section Ordered.
Variables (R : realFieldType) (m n r : nat) (s k : R).
Hypotheses (s0 : s != 0) (k0 : k != 0).
Notation no_op_shared := (no_op_shared m.+1 n.+1 r.+1 s k).
Notation linear_loss_no_op := (linear_loss_no_op m.+1 n.+1 r.+1 s k).

Let kE : k = Num.sg k * `|k|. Proof. by rewrite -numEsg. Qed.
Let sg2 : Num.sg k * Num.sg k = 1. Proof. by rewrite -expr2 sqr_sg k0. Qed.
Let nk0 : `|k| != 0. Proof. by rewrite normr_eq0. Qed.
Let two : 2%:R != 0 :> R. Proof. by rewrite pnatr_eq0. Qed.

(* all linear rules with one shared rate, for either sign of k: an orthogonal matrix over
   the root of |k| on one side, its transpose with the sign of k on the other; linear
   losses leave no other *)
Theorem shared_linear_rule_iff (P Q : 'M[R]_r.+1) c :
  (no_op_shared (mix P Q) c <->
   [/\ `|k| * c = 1, `|k| *: (P^T *m P) = 1%:M & Q = Num.sg k *: P^T]) /\
  (linear_loss_no_op (mix P Q) c c <->
   [/\ `|k| * c = 1, `|k| *: (P^T *m P) = 1%:M & Q = Num.sg k *: P^T]).
Proof.
have to_no_op : linear_conditions k P Q c c -> no_op m.+1 n.+1 r.+1 s k (mix P Q) c c.
  by have [[_ from] _] := @linear_rule_iff R m n r.+1 s k P Q c c s0 two.
suff core : linear_conditions k P Q c c <->
    [/\ `|k| * c = 1, `|k| *: (P^T *m P) = 1%:M & Q = Num.sg k *: P^T].
  split; split.
  - by move/no_op_shared_linear_loss/(survives_linear s0 two)/core.
  - by move/core/to_no_op/no_op_is_shared.
  - by move/(survives_linear s0 two)/core.
  - by move/core/to_no_op/no_op_linear_loss.
split=> [C|[kc PP QE]]; last first.
  have k2c : k ^+ 2 * c = `|k|.
    by rewrite -real_normK ?num_real // expr2 -mulrA kc mulr1.
  have QQ : Q *m Q^T = P^T *m P.
    by rewrite QE [(_ *: _)^T]linearZ /= trmxK -scalemxAl -scalemxAr scalerA sg2 scale1r.
  split; rewrite ?k2c ?QQ // QE -scalemxAl scalerA {1}kE mulrAC sg2 mul1r //.
have [PE QE] := linear_conditions_maps C; have [QP _ PP] := C.
have c0 : 0 <= c.
  have /matrixP /(_ 0 0) := PP; rewrite !mxE eqxx mulr1n => e.
  have sq : 0 <= \sum_j P^T 0 j * P j 0 by apply: sumr_ge0 => j _; rewrite mxE -expr2 sqr_ge0.
  have [//|cneg] := leP 0 c; move: (@ltr01 R); rewrite -e ltNge => /negP [].
  by rewrite mulr_le0_ge0 // pmulr_rle0 ?ltW // exprn_even_gt0.
have kc2 : (`|k| * c) ^+ 2 = 1 ^+ 2.
  have PP2 : (k * c) ^+ 2 *: P = P.
    by rewrite -[RHS]PE -QE [(_ *: P^T)^T]linearZ /= trmxK scalerA expr2.
  have /matrixP /(_ 0 0) := QP; rewrite -PP2 -scalemxAr scalerA mulrC -scalerA QP.
  by rewrite !mxE eqxx mulr1 => h; rewrite exprMn real_normK ?num_real // -exprMn h expr1n.
have kc : `|k| * c = 1.
  by move/eqP: kc2; rewrite eqf_sqr => /orP [/eqP //|/eqP e]; move: (@ltr01 R);
     rewrite -oppr_lt0 -e ltNge mulr_ge0.
split=> //.
- rewrite -PP -[in RHS](real_normK (num_real k)); congr (_ *: _).
  by rewrite expr2 -mulrA kc mulr1.
- by rewrite -[LHS]QE; congr (_ *: _); rewrite {1}kE -mulrA kc mulr1.
Qed.

(* all scalings with one shared rate, for either sign of k; linear losses leave no other *)
Theorem shared_scale_rule_iff p q c :
  (no_op_shared (rescale p q) c <->
   [/\ `|k| * c = 1, `|k| * p ^+ 2 = 1 & q = Num.sg k * p]) /\
  (linear_loss_no_op (rescale p q) c c <->
   [/\ `|k| * c = 1, `|k| * p ^+ 2 = 1 & q = Num.sg k * p]).
Proof.
suff core : no_op_shared (rescale p q) c <->
    [/\ `|k| * c = 1, `|k| * p ^+ 2 = 1 & q = Num.sg k * p].
  split=> //; split; first by move/(shared_linear_loss m n r k p q s0)/core.
  by move/core/(shared_linear_loss m n r k p q s0).
have k2 : k = `|k| * Num.sg k by rewrite mulrC -kE.
split=> [/scale_rule_shared [] // kpq cp cq|[kc kp ->]]; last first.
  apply/scale_rule_shared => //; split.
  - transitivity (`|k| * p ^+ 2 * (Num.sg k * Num.sg k)); last by rewrite sg2 mulr1.
    by move: k2; set a := `|k|; set b := Num.sg k => ->; ring.
  - by apply: (mulfI nk0); rewrite kc kp.
  - by apply: (mulfI nk0); rewrite exprMn sqr_sg k0 mul1r kc kp.
have p0 : p != 0 by apply: contra_eq_neq kpq => ->; rewrite mulr0 mul0r eq_sym oner_neq0.
have pos : 0 < k * p * q by rewrite kpq ltr01.
have qp : q = Num.sg k * p.
  have /eqP := esym cq; rewrite cp eqf_sqr => /orP [] /eqP e.
    suff -> : Num.sg k = 1 by rewrite mul1r.
    by move: pos; rewrite e -mulrA -expr2 pmulr_lgt0 ?exprn_even_gt0 // => /gtr0_sg.
  suff -> : Num.sg k = -1 by rewrite mulN1r.
  move: pos; rewrite e mulrN -mulrA -expr2 oppr_gt0 pmulr_llt0 ?exprn_even_gt0 //.
  exact: ltr0_sg.
have kp : `|k| * p ^+ 2 = 1.
  by rewrite -kpq qp normrEsg; set b := Num.sg k; ring.
by split; rewrite // cp.
Qed.

(* for k < 0 scaling both factors by the same number can never do it *)
Theorem negative_needs_sign_flip p q c : k < 0 ->
  (no_op_shared (rescale p q) c <-> [/\ - k * c = 1, - k * p ^+ 2 = 1 & q = - p]) /\
  (linear_loss_no_op (rescale p q) c c <-> [/\ - k * c = 1, - k * p ^+ 2 = 1 & q = - p]).
Proof.
by move=> kn; rewrite -(ltr0_norm kn) -mulN1r -(ltr0_sg kn); apply: shared_scale_rule_iff.
Qed.
End Ordered.

Section Closed.
Variables (R : rcfType) (m n r : nat) (s k : R).
Hypotheses (s0 : s != 0) (k0 : 0 < k).

Lemma inverse_root p : k * p ^+ 2 = 1 <-> p = (Num.sqrt k)^-1 \/ p = - (Num.sqrt k)^-1.
Proof.
have kn0 := lt0r_neq0 k0.
have e : (Num.sqrt k)^-1 ^+ 2 = k^-1 by rewrite exprVn sqr_sqrtr // ltW.
split=> [h|[] ->]; rewrite ?sqrrN ?e ?mulfV //.
have /eqP : p ^+ 2 = (Num.sqrt k)^-1 ^+ 2 by rewrite e; apply: (mulfI kn0); rewrite h mulfV.
by rewrite eqf_sqr => /orP [] /eqP; [left|right].
Qed.

(* the note's solution is the only one of its kind, up to a common sign of both factors:
   among all p, q and c, whether every run is asked for or one step with linear losses *)
Theorem note_unique p q c :
  (no_op_shared m.+1 n.+1 r.+1 s k (rescale p q) c <->
   [/\ c = k^-1, q = p & p = (Num.sqrt k)^-1 \/ p = - (Num.sqrt k)^-1]) /\
  (linear_loss_no_op m.+1 n.+1 r.+1 s k (rescale p q) c c <->
   [/\ c = k^-1, q = p & p = (Num.sqrt k)^-1 \/ p = - (Num.sqrt k)^-1]).
Proof.
have kn0 := lt0r_neq0 k0.
suff same : [/\ `|k| * c = 1, `|k| * p ^+ 2 = 1 & q = Num.sg k * p] <->
    [/\ c = k^-1, q = p & p = (Num.sqrt k)^-1 \/ p = - (Num.sqrt k)^-1].
  have [all_losses linear_losses] := shared_scale_rule_iff m n r s0 kn0 p q c.
  by split; [apply: (iff_trans all_losses) | apply: (iff_trans linear_losses)].
rewrite gtr0_norm // gtr0_sg // mul1r; split=> [[kc kp ->]|[-> -> /inverse_root ->]].
  by split=> //; [apply: (mulfI kn0); rewrite kc mulfV | apply/inverse_root].
by rewrite mulfV.
Qed.
End Closed.

(* where scaling A alone is enough: only with B = 0 at the start *)
Section StartAlone.
Variables (R : realFieldType) (m n r : nat) (s k p : R).
Hypotheses (s0 : s != 0) (kp : k * p ^+ 2 = 1) (k1 : k != 1).

Theorem scale_A_alone_iff (A : 'M[R]_(r, n.+1)) (B : 'M[R]_(m.+1, r)) :
  (forall W0 (G : oracle R m.+1 n.+1) eta t,
     weight W0 (k * s) (gd W0 G (k * s) (fun t => eta t / k) (fun t => eta t / k) t (p *: A, B))
     = weight W0 s (gd W0 G s eta eta t (A, B)))
  <-> B = 0.
Proof.
have k0 : k != 0 by apply: contra_eq_neq kp => ->; rewrite mul0r eq_sym oner_neq0.
have p0 : p != 0 by apply: contra_eq_neq kp => ->; rewrite expr0n mulr0 eq_sym oner_neq0.
split=> [H|-> W0 G eta t]; last first.
  have c2 : p^-1 ^+ 2 = k by apply: (mulIf (expf_neq0 2 p0)); rewrite -exprMn mulVf // expr1n kp.
  have := note_zero_start W0 G s eta (k := k) (c := p^-1) _ c2 t A.
  by rewrite invrK; apply; rewrite invr_eq0.
have BA : B *m A = 0.
  have := H 0 (fun _ _ => 0) (fun=> 0) 0%N; rewrite /weight /= !add0r -scalemxAr scalerA.
  move/eqP; rewrite -subr_eq0 -scalerBl scaler_eq0 => /orP [|/eqP //].
  rewrite -[X in _ - X]mul1r mulrAC -mulrBl mulf_eq0 (negbTE s0) orbF subr_eq0 => /eqP e.
  have p1 : p = 1 by rewrite -[LHS]mul1r -[in LHS]e -mulrA -expr2.
  by move: k1; rewrite -kp p1 expr1n mulr1 eqxx.
suff : (B *m B^T) == 0.
  move=> /eqP BB; apply/matrixP => i j; rewrite [RHS]mxE.
  have /matrixP /(_ i i) := BB; rewrite !mxE => /eqP.
  rewrite psumr_eq0; last by move=> l _; rewrite mxE -expr2 sqr_ge0.
  by move/allP => /(_ j (mem_index_enum _)); rewrite mxE -expr2 /= sqrf_eq0 => /eqP.
apply/eqP/matrixP => i j; rewrite [RHS]mxE.
set D : 'M[R]_(m.+1, n.+1) := delta_mx j 0.
have AB : A^T *m B^T = 0 by rewrite -trmx_mul BA trmx0.
have expand u e f : (B - e *: (D *m A^T)) *m (u *: A - f *: (B^T *m D))
    = - (f *: (B *m B^T *m D) + (e * u) *: (D *m A^T *m A)).
  rewrite mulmxBl !mulmxBr -!(scalemxAr, scalemxAl) BA scaler0 sub0r !scalerA ?mulmxA.
  by rewrite -[D *m A^T *m B^T]mulmxA AB mulmx0 mul0mx !scaler0 subr0 opprD.
have := H 0 (fun _ _ => D) (fun=> 1) 1%N.
rewrite /weight /= /gd_step /grad_A /grad_B /= !add0r.
rewrite [(p *: A)^T]linearZ /= -scalemxAr !scalerA !mul1r mulrA mulVf // mul1r expand.
rewrite -[A in RHS]scale1r [(1 *: A)^T]linearZ /= -scalemxAr !scalerA !mulr1 expand.
rewrite !scalerN !scalerDr !scalerA => /oppr_inj.
have -> : k * s * (s * p * p) = s * (s * 1).
  by rewrite mulr1 -[RHS]mul1r -kp; ring.
move/addIr => /matrixP /(_ i 0); rewrite !entryZ unit_right => /eqP.
rewrite -subr_eq0 -mulrBl mulf_eq0 => /orP [|/eqP //].
have -> : k * s * s - s * s = (k - 1) * s ^+ 2 by ring.
by rewrite mulf_eq0 subr_eq0 (negbTE k1) expf_eq0 (negbTE s0).
Qed.
End StartAlone.
