(* The note's intermediate condition, in which every partial derivative is divided by the
   entry it belongs to. At generic points it picks the right rule; but it has no meaning
   where LoRA starts, it is not sufficient, not necessary, and equal losses do not imply it. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From LoraGauge Require Import model.Lora theorems.Trajectory.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Section Condition.
Variables (F : fieldType) (m n r : nat).
Implicit Types (x y : factors F m n r).

(* at one point x = (A, B) and its image y = (U, V), with g the gradient with respect to W
   as a function of W; a quotient by zero reads as zero here *)
Definition divided_condition W0 (g : 'M[F]_(m, n) -> 'M[F]_(m, n)) (s k c : F) x y :=
  (forall i j, grad_A s x (g (weight W0 s x)) i j / x.1 i j
    = c * (grad_A (k * s) y (g (weight W0 (k * s) y)) i j / y.1 i j)) /\
  (forall i j, grad_B s x (g (weight W0 s x)) i j / x.2 i j
    = c * (grad_B (k * s) y (g (weight W0 (k * s) y)) i j / y.2 i j)).

(* no quotient of the condition divides by zero *)
Definition no_zero_entry x := (forall i j, x.1 i j != 0) /\ (forall i j, x.2 i j != 0).

End Condition.

Section Generic.
Variables (F : fieldType) (m n r : nat) (W0 : 'M[F]_(m.+1, n.+1)).
Variables (g : 'M[F]_(m.+1, n.+1) -> 'M[F]_(m.+1, n.+1)) (s k p q c : F).
Variable x : factors F m.+1 n.+1 r.+1.

(* where no entry and no partial derivative vanishes, the condition on a scaling is the rule *)
Theorem divided_generic_iff : k * p * q = 1 -> no_zero_entry x ->
  (forall i j, grad_A s x (g (weight W0 s x)) i j != 0) ->
  (forall i j, grad_B s x (g (weight W0 s x)) i j != 0) ->
  (divided_condition W0 g s k c x (rescale p q x) <-> c = p ^+ 2 /\ c = q ^+ 2).
Proof.
move=> kpq [A0 B0] gA0 gB0.
have p0 : p != 0 by apply: contra_eq_neq kpq => ->; rewrite mulr0 mul0r eq_sym oner_neq0.
have q0 : q != 0 by apply: contra_eq_neq kpq => ->; rewrite mulr0 eq_sym oner_neq0.
rewrite /divided_condition rescale_weight // (grad_A_rescale s kpq) (grad_B_rescale s kpq).
set gA := grad_A _ _ _ in gA0 *; set gB := grad_B _ _ _ in gB0 *.
have eA i j : c * ((p^-1 *: gA) i j / (rescale p q x).1 i j) = (c / p ^+ 2) * (gA i j / x.1 i j).
  by rewrite [(p^-1 *: gA) i j]mxE [(rescale p q x).1 i j]mxE; move: (gA i j) (x.1 i j) (A0 i j) => a b b0; field; rewrite p0 b0.
have eB i j : c * ((q^-1 *: gB) i j / (rescale p q x).2 i j) = (c / q ^+ 2) * (gB i j / x.2 i j).
  by rewrite [(q^-1 *: gB) i j]mxE [(rescale p q x).2 i j]mxE; move: (gB i j) (x.2 i j) (B0 i j) => a b b0; field; rewrite q0 b0.
split=> [[/(_ 0 0) hA /(_ 0 0) hB]|[cp cq]]; last first.
  by split=> i j; [rewrite eA cp | rewrite eB cq]; rewrite mulfV ?mul1r ?expf_neq0.
split.
- apply: (mulIf (invr_neq0 (expf_neq0 2 p0))); rewrite mulfV ?expf_neq0 //.
  have X0 : gA 0 0 / x.1 0 0 != 0 by rewrite mulf_neq0 ?invr_neq0.
  by apply: (mulIf X0); rewrite mul1r -eA.
- apply: (mulIf (invr_neq0 (expf_neq0 2 q0))); rewrite mulfV ?expf_neq0 //.
  have X0 : gB 0 0 / x.2 0 0 != 0 by rewrite mulf_neq0 ?invr_neq0.
  by apply: (mulIf X0); rewrite mul1r -eB.
Qed.
End Generic.

Section Start.
Variables (F : fieldType) (m n r : nat).

(* at LoRA's start some quotient has the denominator zero: each of those for B *)
Theorem divided_undefined_at_start (A : 'M[F]_(r.+1, n)) (B : 'M[F]_(m.+1, r.+1)) :
  B = 0 -> ~ no_zero_entry (A, B).
Proof. by move=> ->; case=> _ /(_ 0 0); rewrite mxE eqxx. Qed.

(* and if a quotient by zero is read as zero, the condition holds for every c, every A and
   every U, so that it selects nothing *)
Theorem divided_vacuous_at_start W0 g (s k c : F) (A U : 'M[F]_(r, n)) :
  divided_condition W0 g s k c (A, 0) ((U, 0) : factors F m n r).
Proof.
have z a b i j : (0 : 'M[F]_(a, b)) i j = 0 by rewrite mxE.
split=> i j; rewrite /grad_A /grad_B /= ?z; last by rewrite invr0 !mulr0.
by rewrite trmx0 !mul0mx !scaler0 z !mul0r mulr0.
Qed.
End Start.

Section Swap.
Variables (F : fieldType) (r : nat).
Implicit Types (x : factors F 1 1 r).

(* with one input and one output the two factors may change places *)
Definition swap (z : F) x : factors F 1 1 r := (z *: x.2^T, z *: x.1^T).

Lemma tr11 (M : 'M[F]_1) : M^T = M.
Proof. by apply/matrixP => i j; rewrite mxE !ord1. Qed.

Lemma swap_weight W0 s k z x : k * z ^+ 2 = 1 -> weight W0 (k * s) (swap z x) = weight W0 s x.
Proof.
move=> kz; rewrite /weight /= -scalemxAl -scalemxAr !scalerA -trmx_mul tr11.
by congr (_ + _ *: _); rewrite -[RHS]mul1r -kz; ring.
Qed.

Theorem swap_no_op W0 (G : oracle F 1 1) s k z (eta : nat -> F) t x : k * z ^+ 2 = 1 ->
  gd W0 G (k * s) (fun t => z ^+ 2 * eta t) (fun t => z ^+ 2 * eta t) t (swap z x)
  = swap z (gd W0 G s eta eta t x).
Proof.
move=> kz; elim: t => //= t ->; set y := gd _ _ _ _ _ _ _.
rewrite /gd_step swap_weight //; set h := G t _; rewrite /swap /grad_A /grad_B /=.
rewrite ![(_ *: _)^T]linearZ /= !trmxK; congr (_, _).
- rewrite linearB scalerBr /= [(eta t *: _)^T]linearZ /= [(s *: _)^T]linearZ /= trmx_mul trmxK tr11.
  rewrite -!scalemxAl !scalerA; congr (_ - _ *: _).
  by rewrite -[RHS]mul1r -kz; ring.
- rewrite linearB scalerBr /= [(eta t *: _)^T]linearZ /= [(s *: _)^T]linearZ /= trmx_mul trmxK tr11.
  rewrite -!scalemxAr !scalerA; congr (_ - _ *: _).
  by rewrite -[RHS]mul1r -kz; ring.
Qed.

Lemma swap_same_weight W0 (G : oracle F 1 1) s k z eta t x : k * z ^+ 2 = 1 ->
  weight W0 (k * s)
    (gd W0 G (k * s) (fun t => z ^+ 2 * eta t) (fun t => z ^+ 2 * eta t) t (swap z x))
  = weight W0 s (gd W0 G s eta eta t x).
Proof. by move=> kz; rewrite swap_no_op ?swap_weight. Qed.
End Swap.

Section Counterexamples.
(* the field of rationals, found by inference: its name differs between versions of MathComp *)
Definition field_of (F : fieldType) (x : F) : fieldType := F.
Definition Q : fieldType := Eval hnf in field_of (ratz 0).
Local Notation g1 := (fun=> const_mx 1 : 'M[Q]_1).


(* not necessary, nor implied by equal losses: alpha times 4, the rate over 4, and two
   starts without a zero entry from which W is the same at every step, for every frozen
   weight, gradient, schedule and number of steps; yet the condition fails at the start
   already, with the gradient 1 and no frozen weight *)
Theorem divided_not_implied_by_equal_losses :
  exists x y : factors Q 1 1 1, [/\ no_zero_entry x, no_zero_entry y,
    (forall W0 (G : oracle Q 1 1) s eta t,
       weight W0 (4%:R * s) (gd W0 G (4%:R * s) (fun t => eta t / 4%:R) (fun t => eta t / 4%:R) t y)
       = weight W0 s (gd W0 G s eta eta t x))
  & ~ divided_condition 0 g1 1 4%:R 4%:R^-1 x y].
Proof.
pose x : factors Q 1 1 1 := (const_mx 1, const_mx 2%:R); pose z : Q := 2%:R^-1.
have kz : 4%:R * z ^+ 2 = 1 by apply/eqP; vm_compute.
have zE : 4%:R^-1 = z ^+ 2 by apply/eqP; vm_compute.
exists x, (swap z x); split.
- by split=> i j; rewrite mxE.
- by split=> i j; rewrite !mxE.
- move=> W0 G s eta t; rewrite -(swap_same_weight W0 G s eta t x kz); congr weight.
  by apply: eq_gd => u; rewrite mulrC zE.
case=> /(_ 0 0) + _; rewrite /grad_A /= !(mxE, big_ord_recl, big_ord0) => /eqP.
by vm_compute.
Qed.

(* not sufficient: alpha times 4, the rate over 4, and two starts without a zero entry and
   with the same W at which the condition holds; yet one step later W differs (rank 2, one
   input, one output, a linear loss) *)
Theorem divided_not_sufficient :
  exists (x y : factors Q 1 1 2) (g : 'M[Q]_1) (eta : Q),
  [/\ no_zero_entry x /\ no_zero_entry y, weight 0 4%:R y = weight 0 1 x,
      divided_condition 0 (fun=> g) 1 4%:R 4%:R^-1 x y
    & weight 0 4%:R (gd 0 (fun _ _ => g) 4%:R (fun=> eta / 4%:R) (fun=> eta / 4%:R) 1 y)
      <> weight 0 1 (gd 0 (fun _ _ => g) 1 (fun=> eta) (fun=> eta) 1 x)].
Proof.
pose two_of T (a b : T) (i : 'I_2) := if val i is 0 then a else b.
pose x : factors Q 1 1 2 := (const_mx 1, \matrix_(i, j) two_of Q 1 2%:R j).
pose y : factors Q 1 1 2 := (\matrix_(i, j) two_of Q (5%:R / 6%:R) (1 / 6%:R) i,
                             \matrix_(i, j) two_of Q (5%:R / 6%:R) (1 / 3%:R) j).
exists x, y, (const_mx 1), 1; split.
- by split; split=> i j; rewrite mxE // /two_of; case: (val _).
- apply/matrixP => i j; rewrite /weight !(mxE, big_ord_recl, big_ord0) /=; apply/eqP.
  by vm_compute.
- split=> i j; rewrite /grad_A /grad_B /= !(mxE, big_ord_recl, big_ord0) /=; apply/eqP.
    by case: i => [[|[|//]] lt]; vm_compute.
  by case: j => [[|[|//]] lt]; vm_compute.
- move/matrixP/(_ 0 0); rewrite /= /gd_step /weight /grad_A /grad_B /=.
  rewrite !(mxE, big_ord_recl, big_ord0) /= => /eqP.
  by vm_compute.
Qed.
End Counterexamples.
